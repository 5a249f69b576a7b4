"""`python -m streamgmm` is `streamgmm`."""

from streamgmm.cli import main

main()
