"""For all tests: no network but this machine's, and the fakes of `kefu.testing`."""

pytest_plugins = ["kefu.testing.pytest_plugin"]
