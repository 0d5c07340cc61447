"""What trained systems are measured by: probes of tokenizers, comparisons, plots."""
