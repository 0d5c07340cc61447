"""Tests, in the folders of what they test; every test is a sentence. CONTRIBUTING.md says how a change is checked."""
