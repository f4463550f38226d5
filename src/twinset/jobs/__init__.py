"""Steps: what each command does from start to end; the long ones can be killed and go on."""
