"""Tests of the Unity package that run without Unity: its core on mono and dotnet, the rest against a stand-in."""
