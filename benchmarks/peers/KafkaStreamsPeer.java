import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;

/**
 * What a Kafka Streams program does for the same input: scores every vector under a fixed mixture of 10 components in 8
 * dimensions with full covariances, and publishes the responsibilities. It does not learn. It runs until it is ended.
 *
 * <p>Arguments: bootstrap servers, input topic, output topic, guarantee, commit interval in ms, offset reset, state
 * directory.
 */
public final class KafkaStreamsPeer {
  private static final int FEATURES = 8;
  private static final int COMPONENTS = 10;
  private static final int NUMBER = 9; // bytes of a msgpack float64: its type, and its value

  private KafkaStreamsPeer() {}

  public static void main(String[] args) {
    Mixture mixture = new Mixture();
    StreamsBuilder builder = new StreamsBuilder();
    builder
        .stream(args[1], Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()))
        .mapValues(value -> encode(mixture.responsibilities(decode(value))))
        .to(args[2], Produced.with(Serdes.ByteArray(), Serdes.ByteArray()));
    KafkaStreams streams = new KafkaStreams(builder.build(), settings(args));
    Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
    streams.start();
  }

  private static Properties settings(String[] args) {
    Properties given = new Properties();
    given.putAll(
        Map.of(
            "application.id", args[2],
            "bootstrap.servers", args[0],
            "processing.guarantee", args[3],
            "commit.interval.ms", args[4],
            "num.stream.threads", "2",
            "replication.factor", "1",
            "state.dir", args[6]));
    given.put("consumer.auto.offset.reset", args[5]);
    given.put("consumer.max.poll.records", "5000");
    given.put("producer.linger.ms", "5");
    given.put("producer.batch.size", "262144");
    return given;
  }

  /** The vector of a msgpack value that ends with its 8 numbers. */
  private static double[] decode(byte[] value) {
    ByteBuffer bytes = ByteBuffer.wrap(value);
    double[] x = new double[FEATURES];
    int first = value.length - NUMBER * FEATURES;
    for (int d = 0; d < FEATURES; d++) x[d] = bytes.getDouble(first + NUMBER * d + 1);
    return x;
  }

  /** msgpack: {"component": k, "responsibilities": [float32, ...], "log_likelihood": float64}. */
  private static byte[] encode(double[] scores) {
    ByteBuffer out = ByteBuffer.allocate(128);
    int best = 0;
    for (int k = 1; k < COMPONENTS; k++) if (scores[k] > scores[best]) best = k;
    out.put((byte) 0x83);
    name(out, "component").put((byte) best);
    name(out, "responsibilities").put((byte) (0x90 | COMPONENTS));
    for (int k = 0; k < COMPONENTS; k++) out.put((byte) 0xca).putFloat((float) scores[k]);
    name(out, "log_likelihood").put((byte) 0xcb).putDouble(scores[COMPONENTS]);
    byte[] value = new byte[out.position()];
    out.flip();
    out.get(value);
    return value;
  }

  private static ByteBuffer name(ByteBuffer out, String text) {
    out.put((byte) (0xa0 | text.length()));
    for (int i = 0; i < text.length(); i++) out.put((byte) text.charAt(i));
    return out;
  }

  /** Ten Gaussians with triangular factors of their precisions. */
  private static final class Mixture {
    private final double[][] means = new double[COMPONENTS][FEATURES];
    private final double[][][] factors = new double[COMPONENTS][FEATURES][FEATURES];

    Mixture() {
      Random random = new Random(0);
      for (int k = 0; k < COMPONENTS; k++) {
        for (int i = 0; i < FEATURES; i++) {
          means[k][i] = 6 * random.nextGaussian();
          for (int j = 0; j < i; j++) factors[k][i][j] = 0.1 * random.nextGaussian();
          factors[k][i][i] = 1;
        }
      }
    }

    /** The responsibilities, and behind them the log-likelihood. */
    double[] responsibilities(double[] x) {
      double[] scores = new double[COMPONENTS + 1];
      double largest = Double.NEGATIVE_INFINITY;
      for (int k = 0; k < COMPONENTS; k++) {
        scores[k] = logDensity(x, means[k], factors[k]);
        largest = Math.max(largest, scores[k]);
      }
      double total = 0;
      for (int k = 0; k < COMPONENTS; k++) total += scores[k] = Math.exp(scores[k] - largest);
      for (int k = 0; k < COMPONENTS; k++) scores[k] /= total;
      scores[COMPONENTS] = largest + Math.log(total / COMPONENTS) - 0.5 * FEATURES * Math.log(2 * Math.PI);
      return scores;
    }

    private static double logDensity(double[] x, double[] mean, double[][] factor) {
      double squares = 0;
      for (int i = 0; i < FEATURES; i++) {
        double whitened = 0;
        for (int j = 0; j <= i; j++) whitened += factor[i][j] * (x[j] - mean[j]);
        squares += whitened * whitened;
      }
      return -0.5 * squares;
    }
  }
}
