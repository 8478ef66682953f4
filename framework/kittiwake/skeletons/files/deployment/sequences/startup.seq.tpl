; Runs after each start, once it was uploaded as /startup.bin.
R00:00:01 {{name}}.beacon.SWITCH true
R00:00:00 CdhCore.cmdDisp.CMD_NO_OP_STRING "{{name}} is up"
