# {{name}}: what it consists of, and who is connected with whom. `kittiwake check` lists every fault.
topology: {{name}}
doc: Say here what {{name}} is for.
imports:
  - kittiwake_components:topologies/cdh_core.yaml
  - kittiwake_components:topologies/com_ccsds.yaml
  - kittiwake_components:topologies/file_handling.yaml
instances:
  driver:
    component: kittiwake_components.RateGroupDriver
    id: 0x10000000
    settings: {tick_us: 1000000, dividers: [1]}
  cycle: {component: kittiwake_components.ActiveRateGroup, id: 0x10001000, queue: 10, priority: 40}
  posixTime: {component: kittiwake_components.Time, id: 0x10002000}
  cmdSeq: {component: kittiwake_components.CmdSequencer, id: 0x10003000, queue: 40, priority: 28}
  startupManager: {component: kittiwake_components.StartupManager, id: 0x10004000}
{{instances}}services:
  time: posixTime
connections:
  RateGroups:
    - driver.cycle_out[0] -> cycle.cycle_in
{{connections}}    - cycle.member_out -> posixTime.run
    - cycle.member_out -> startupManager.run
    - cycle.member_out -> cmdSeq.run
    - cycle.member_out -> CdhCore.cmdDisp.run
    - cycle.member_out -> CdhCore.health.run
    - cycle.member_out -> CdhCore.events.run
    - cycle.member_out -> CdhCore.version.run
    - cycle.member_out -> CdhCore.tlmSend.run
    - cycle.member_out -> ComCcsds.comQueue.run
    - cycle.member_out -> ComCcsds.link.run
    - cycle.member_out -> FileHandling.fileDownlink.run
  Commands:
    - ComCcsds.router.command_out -> CdhCore.cmdDisp.seq_cmd_buff[0]
    - CdhCore.cmdDisp.seq_cmd_status[0] -> ComCcsds.router.command_status
    - cmdSeq.com_cmd_out -> CdhCore.cmdDisp.seq_cmd_buff[1]
    - CdhCore.cmdDisp.seq_cmd_status[1] -> cmdSeq.cmd_response_in
  Downlink:
    - CdhCore.events.pkt_send -> ComCcsds.comQueue.com_packet_in[0]
    - FileHandling.fileDownlink.buffer_send_out -> ComCcsds.comQueue.com_packet_in[1]
    - CdhCore.tlmSend.pkt_send -> ComCcsds.comQueue.com_packet_in[2]
    - ComCcsds.comQueue.flow_out[1] -> FileHandling.fileDownlink.flow_in
  Uplink:
    - ComCcsds.router.file_out -> FileHandling.fileUplink.buffer_send_in
  Startup:
    - startupManager.run_sequence -> cmdSeq.seq_run_in
    - startupManager.cancel_sequence -> cmdSeq.seq_cancel_in
    - cmdSeq.seq_start_out -> startupManager.sequence_started
    - cmdSeq.seq_done -> startupManager.complete_sequence
