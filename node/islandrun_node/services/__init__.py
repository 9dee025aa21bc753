"""The gRPC servicers, thin: check, translate, call. `mesh`, `enroll`, `inference` speak to islands; `chat` and
`status` to programs."""
