"""The console's server side: sessions, the bridge to AWS's API, the pages; it has no way to data that the command line lacks."""
