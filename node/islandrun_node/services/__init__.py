"""The gRPC servicers, thin: check, translate, call.

`mesh`, `enroll` and `inference` speak to islands; `chat` and `status` to programs.
"""
