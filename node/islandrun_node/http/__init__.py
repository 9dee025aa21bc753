"""The OpenAI-compatible door of the node, on loopback: `app` builds it, `endpoint` answers.

It translates and never decides. Whatever it refuses, it refuses in OpenAI's error shape, and no error or
log line holds text of a request.
"""
