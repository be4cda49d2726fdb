"""What runs inside instances. Copied into each root as the package `builtin`, so modules here import one another
relatively, the SDK by its name, and nothing else of OpenGWLB."""
