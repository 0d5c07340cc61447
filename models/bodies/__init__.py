"""Bodies that other people modelled, bound to skeletons of ours: one file a body."""
