"""ONNX graphs: how they are made, and that they give what the torch modules give."""
