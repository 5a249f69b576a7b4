"""The live page: what is served to a browser. `static/` holds it as it is served, without a build step.

`static/js` is plain ES modules (start with `main.js`), `static/vendor` what others wrote, as `vendored.json` lists it.
"""
