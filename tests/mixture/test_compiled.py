from streamgmm.mixture import compiled, kernel, run_loop
from streamgmm.mixture.warm import warm_kernels


def test_works_where_no_cache_can_be_kept():
    namespace = {"compiled": compiled.compiled}
    exec("@compiled\ndef double(x):\n    return 2 * x\n", namespace)  # no file, so numba finds no place for its cache
    assert namespace["double"](21) == 42


def test_the_cache_is_stamped_with_every_compiled_source():
    warm_kernels()
    cache_file = kernel.FULL.scan._cache._cache_file
    assert cache_file._source_stamp == compiled._digest_of_sources()
    assert cache_file._load_index(), "numba compared its index with another stamp"


def test_one_specialisation_serves_every_call():
    warm_kernels()
    for function in (*kernel.FULL[1:], *kernel.DIAGONAL[1:]):
        assert len(function.signatures) <= 1
    assert len(run_loop.learn_batches.signatures) == 2, "compiled before the first vector waits, once for each shape"


def test_says_whether_the_cache_is_filled():
    warm_kernels("full")
    assert compiled.is_cached(kernel.FULL.scan)
    assert compiled.is_cached(len), "what has no cache needs no filling"
