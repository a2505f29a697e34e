"""Suites for plug-in authors and fakes of the servers Kefu talks to. Needs the packages of the extra `test`."""
