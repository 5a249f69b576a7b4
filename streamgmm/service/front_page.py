"""The page at `/`: what this is, how it does, and where the rest is. It loads nothing from anywhere."""

from html import escape

from streamgmm.service.snapshot import Snapshot

_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>streamgmm: {model}</title>
<style>body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem }}</style>
</head>
<body>
<h1>streamgmm: {model}</h1>
<p>A Gaussian mixture model of a stream, kept up to date by online EM.</p>
<p>Phase: <strong>{phase}</strong>. {detail}</p>
<ul>
<li><a href="/api/v1/model">/api/v1/model</a>: the model as of the last commit, as JSON</li>
<li><a href="/metrics">/metrics</a>: metrics for Prometheus</li>
<li><a href="/readyz">/readyz</a>, <a href="/livez">/livez</a>: probes</li>
<li><a href="/openapi.json">/openapi.json</a>: the description of this interface</li>
</ul>
</body>
</html>
"""


def front_page(snapshot: Snapshot) -> str:
    """The page as HTML."""
    phase = snapshot.phase.replace("_", " ")
    return _PAGE.format(model=escape(snapshot.model), phase=escape(phase), detail=escape(snapshot.detail))
