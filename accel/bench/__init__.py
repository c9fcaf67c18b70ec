"""Benchmarks: the golden model beside ONNX Runtime, the outside yardstick for speed."""
