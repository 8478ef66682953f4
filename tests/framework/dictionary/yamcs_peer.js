// Loads an XTCE document with Yamcs, then answers each line of JSON with one: {"packet": hex} with the parameters that it
// holds, {"command": name, "arguments": {...}} with the packet that Yamcs would send. Runs in Nashorn.
var TimeEncoding = Java.type('org.yamcs.utils.TimeEncoding');
TimeEncoding.setUp();
var YConfiguration = Java.type('org.yamcs.YConfiguration');
YConfiguration.setupTest(null);
var HashMap = Java.type('java.util.HashMap');
var StringConverter = Java.type('org.yamcs.utils.StringConverter');

function load(file) {
  var options = new HashMap();
  options.put('file', file);
  var entry = new HashMap();
  entry.put('type', 'xtce');
  entry.put('args', options);
  var entries = new (Java.type('java.util.ArrayList'))();
  entries.add(YConfiguration.wrap(entry));
  return Java.type('org.yamcs.mdb.MdbFactory').createInstance(entries, false, false);
}

var mdb = load(arguments[0]);
var root = mdb.getSequenceContainer(arguments[1] + '/CCSDSPacket');
var extractor = new (Java.type('org.yamcs.mdb.XtceTmExtractor'))(mdb);
extractor.provideAll();
var ProcessorConfig = Java.type('org.yamcs.ProcessorConfig');
var processor = new (Java.type('org.yamcs.mdb.ProcessorData'))('test', mdb, new ProcessorConfig());
var commands = new (Java.type('org.yamcs.mdb.MetaCommandProcessor'))(processor);

function decode(hex) {
  var result = extractor.processPacket(StringConverter.hexStringToArray(hex), 0, 0, 0, root);
  var found = {};
  var values = result.getParameterResult().iterator();
  while (values.hasNext()) {
    var one = values.next();
    found[one.getParameter().getQualifiedName()] = '' + one.getEngValue();
  }
  return found;
}

function encode(name, given) {
  var values = new HashMap();
  for (var key in given) values.put(key, given[key]);
  try {
    var built = commands.buildCommand(mdb.getMetaCommand(name), values, 0);
    return {packet: StringConverter.arrayToHexString(built.getCmdPacket()).toLowerCase()};
  } catch (fault) {
    return {fault: '' + fault};
  }
}

var reader = new java.io.BufferedReader(new java.io.InputStreamReader(java.lang.System['in'], 'UTF-8'));
var line;
while ((line = reader.readLine()) !== null) {
  var asked = JSON.parse(line);
  print('= ' + JSON.stringify(asked.packet ? decode(asked.packet) : encode(asked.command, asked.arguments)));
}
