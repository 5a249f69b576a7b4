"""What the commands do, one file each where it is more than a few lines; `streamgmm.cli` says how to call them."""
