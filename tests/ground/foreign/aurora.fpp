# A deployment as a C++ F´ project writes it, small: its configuration differs from Kittiwake's where F´ lets it.

@ What a project's configuration says
dictionary type FwChanIdType = U32
dictionary type FwEventIdType = U32
dictionary type FwOpcodeType = U32
dictionary type FwPrmIdType = U32
dictionary type FwSizeType = U64
dictionary type FwSizeStoreType = U16
dictionary type FwPacketDescriptorType = U16
dictionary type FwTlmPacketizeIdType = U16
dictionary type FwTimeBaseStoreType = U16
dictionary type FwTimeContextStoreType = U8
dictionary type FwDpIdType = U32
dictionary type FwDpPriorityType = U32

dictionary constant FW_FIXED_LENGTH_STRING_SIZE = 256

dictionary enum TimeBase: U16 {
  TB_NONE = 0
  TB_PROC_TIME = 1
  TB_WORKSTATION_TIME = 2
  TB_SC_TIME = 3
  TB_DONT_CARE = 0xFFFF
} default TB_NONE

module ComCfg {

  dictionary constant SpacecraftId = 0x44
  dictionary constant TmFrameFixedSize = 1024

  dictionary enum Apid: FwPacketDescriptorType {
    FW_PACKET_COMMAND = 0x0000
    FW_PACKET_TELEM = 0x0001
    FW_PACKET_LOG = 0x0002
    FW_PACKET_FILE = 0x0003
    FW_PACKET_PACKETIZED_TLM = 0x0004
    FW_PACKET_DP = 0x0005
    FW_PACKET_IDLE = 0x0006
    FW_PACKET_HAND = 0x00FE
    FW_PACKET_UNKNOWN = 0x00FF
    SPP_IDLE_PACKET = 0x07FF
    INVALID_UNINITIALIZED = 0x0800
  } default INVALID_UNINITIALIZED

}

module Fw {

  dictionary enum CmdResponse: U8 {
    OK = 0
    INVALID_OPCODE = 1
    VALIDATION_ERROR = 2
    FORMAT_ERROR = 3
    EXECUTION_ERROR = 4
    BUSY = 5
  }

  dictionary enum DpState: U8 { UNTRANSMITTED = 0, PARTIAL = 1, TRANSMITTED = 2 } default UNTRANSMITTED
  dictionary enum LogSeverity: U8 {
    FATAL = 1
    WARNING_HI = 2
    WARNING_LO = 3
    COMMAND = 4
    ACTIVITY_HI = 5
    ACTIVITY_LO = 6
    DIAGNOSTIC = 7
  }
  dictionary struct TimeValue { timeBase: TimeBase, timeContext: U8, seconds: U32, useconds: U32 }
  dictionary struct TimeIntervalValue { seconds: U32, useconds: U32 }
  dictionary enum TimeComparison: I32 { LT = -1, EQ = 0, GT = 1, INCOMPARABLE = 2 } default INCOMPARABLE

  module DpCfg {
    dictionary constant CONTAINER_USER_DATA_SIZE = 32
    dictionary enum ProcType: U8 { PROC_TYPE_ZERO = 1, PROC_TYPE_ONE = 2, PROC_TYPE_TWO = 4 }
  }

  port Cmd
  port CmdReg
  port CmdResponse
  port Log
  port LogText
  port Time
  port Tlm
  port PrmGet
  port PrmSet

}

module Svc {

  @ Dispatches commands, as Svc::CmdDispatcher does
  active component CommandDispatcher {
    output port compCmdSend: [10] Fw.Cmd
    async input port compCmdStat: Fw.CmdResponse
    sync input port compCmdReg: [10] Fw.CmdReg
    command recv port CmdDisp
    command reg port CmdReg
    command resp port CmdStatus
    event port Log
    text event port LogText
    telemetry port Tlm
    time get port Time

    @ No-op command
    async command CMD_NO_OP opcode 0
    @ No-op string command
    async command CMD_NO_OP_STRING(
      arg1: string size 40 @< The string to echo
    ) opcode 1

    event OpCodeDispatched(Opcode: FwOpcodeType, $port: I32) severity command id 1 \
      format "Opcode 0x{x} dispatched to port {}"
    event OpCodeCompleted(Opcode: FwOpcodeType) severity command id 2 format "Opcode 0x{x} completed"
    event OpCodeError(Opcode: FwOpcodeType, error: Fw.CmdResponse) severity command id 4 \
      format "Opcode 0x{x} completed with error {}"
    event InvalidCommand(Opcode: FwOpcodeType) severity warning high id 6 format "Invalid opcode 0x{x} received"
    event NoOpStringReceived(message: string size 40) severity activity high id 8 format "Received a NO-OP string={}"

    @ Number of commands dispatched
    telemetry CommandsDispatched: U32 id 0 update on change
  }

  @ Sends events and telemetry down
  passive component Downlink {
    sync input port LogRecv: Fw.Log
    sync input port TlmRecv: Fw.Tlm
    sync input port timeGetPort: Fw.Time
    sync input port getPrm: Fw.PrmGet
    sync input port setPrm: Fw.PrmSet
  }

}

module Aurora {

  constant Lamps = 4

  type Celsius = F32

  enum Hue: U8 {
    GREEN = 1 @< Oxygen, low
    RED = 2 @< Oxygen, high
    VIOLET = 16 @< Nitrogen
  } default GREEN

  enum Trend: I16 { FALLING = -300, STEADY = 0, RISING = 300 }

  array Lines = [3] F64 format "{.3f} nm"

  array Switches = [Lamps] bool default false

  array Names = [2] string size 12

  array Spectrum = [6] F32

  struct Vector { x: F32 format "{.2f}", y: F32, z: F32 }

  @ One picture of the sky
  struct Frame {
    number: U64
    hue: Hue
    site: string size 20
    centre: Vector
    bins: [5] U16
    trend: Trend
    isValid: bool
    lines: Lines
  } default { hue = Hue.VIOLET, isValid = true, bins = 7 }

  array Frames = [2] Frame

  @ A camera that looks at the sky
  active component Camera {
    command recv port cmdIn
    command reg port cmdRegOut
    command resp port cmdResponseOut
    event port eventOut
    text event port textOut
    telemetry port tlmOut
    time get port timeOut
    param get port prmGetOut
    param set port prmSetOut

    @ Takes pictures
    async command EXPOSE(
      count: U8 @< How many
      hue: Hue @< Of what
      target: Vector @< Where to look
      note: string size 30 @< What to write beside them
    ) opcode 0
    @ Sets the lamps of the shutter
    async command LAMPS(lit: Switches, lines: Lines, wait_s: F64) opcode 1

    param GAIN: F32 default 1.5 id 0 set opcode 10 save opcode 11
    param TARGET: Vector default { x = 1.0, y = 2.0, z = 3.0 } id 1 set opcode 12 save opcode 13

    event Exposed(
      frame: Frame
      took_s: F32
    ) severity activity high id 0 format "Exposed {} in {.3f} s"
    event Integers(
      a: U8, b: U16, c: U32, d: U64, e: I8, f: I16, g: I32, h: I64
    ) severity diagnostic id 1 format "{x} {} {} {} {} {d} {} {}"
    event Mixed(
      names: Names, hue: Hue, trend: Trend, yes: bool, message: string, lines: Lines
    ) severity warning low id 2 format "{} saw {} {}: {} {} {}"
    event Warm(temperature: Celsius) severity warning high id 3 format "The camera has {.1f} C" throttle 5

    telemetry Temperature: Celsius id 0 update on change format "{.2f} C" low { red -40.0, yellow -20.0 } \
      high { yellow 40.0, orange 55.0, red 60.0 }
    telemetry Latest: Frame id 1
    telemetry History: Frames id 2
    telemetry Sites: Names id 3
    telemetry Site: string size 32 id 4
    telemetry Looking: Vector id 5
    telemetry Filter: Hue id 6
    telemetry Exposures: U64 id 7 format "{x}"
    telemetry IsOpen: bool id 8
    telemetry Drift: I16 id 9
    telemetry Spectrum: Spectrum id 10
  }

  instance cmdDisp: Svc.CommandDispatcher base id 0x0500 queue size 20 stack size 1024 priority 101
  instance camera: Camera base id 0x10000 queue size 10 stack size 1024 priority 90
  instance downlink: Svc.Downlink base id 0x4000

  deployment topology Aurora {
    instance cmdDisp
    instance camera
    instance downlink

    command connections instance cmdDisp
    event connections instance downlink
    telemetry connections instance downlink
    time connections instance downlink
    param connections instance downlink

    telemetry packets AuroraPackets {
      packet Commanding id 1 group 0 { cmdDisp.CommandsDispatched }
      packet Camera id 2 group 1 { camera.Temperature, camera.Filter, camera.IsOpen, camera.Drift, camera.Site, camera.Exposures }
      packet Sky id 3 group 2 { camera.Latest, camera.Looking, camera.Sites }
      packet Past id 4 group 3 { camera.History, camera.Spectrum }
    }
  }

}
