"""The Unity package: its toolchain, its tests, its native libraries."""
