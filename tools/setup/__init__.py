"""Set-up of a bare machine, and downloads from package registries."""
