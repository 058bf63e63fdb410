"""Training of the encoder: from the base weights to the files a model ships with.

Needs PyTorch and ONNX (the extra ``encoder``); nothing else in the package imports this folder.
"""
