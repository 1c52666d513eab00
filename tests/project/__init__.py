"""Tests of the documents, the wheel and the recipes for CI."""
