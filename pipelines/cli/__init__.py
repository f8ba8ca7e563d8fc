"""The command line: arguments in, one call into a step, facts out. No work is done here."""
