# {{name}}

## Introduction

{{name}} is a skeleton: it does a round of its work once every few cycles while it is on. Say here what it is for, who uses it,
and what it leaves to others.

## Requirements

| Requirement | Description |
|---|---|
| REQ-{{requirement}}-001 | While it is on, {{name}} shall do a round of its work once every PERIOD cycles. |
| REQ-{{requirement}}-002 | A SWITCH to the side on which it is already shall be refused, and change nothing. |

## Design

A {{kind}} component. {{queued}}

### Ports

| Port | Direction | Type | Meaning |
|---|---|---|---|
| `run` | in, {{port_kind}} | Svc.Sched | One cycle of a rate group. |

### Commands

| Command | Opcode | Arguments | Meaning |
|---|---|---|---|
| `SWITCH` | 0x00 | on: bool | Switch it on or off. |

### Events

| Event | Id | Severity | Arguments | Text |
|---|---|---|---|---|
| `Switched` | 0x00 | ACTIVITY_HI | on: bool | {{name}} on: {} |

### Channels

| Channel | Id | Type | Meaning |
|---|---|---|---|
| `Rounds` | 0 | U32 | Rounds since the start. |
| `IsOn` | 1 | bool | Whether it works. |

### Parameters

| Parameter | Id | Type | Default | Meaning |
|---|---|---|---|---|
| `PERIOD` | 0 | U32 from 1 to 3600 | 2 | Cycles from round to round. (cycles) |

### Files

None.

### Limits

None of its own.

### Failure behaviour

| What happens | What the component does |
|---|---|
| it is killed or restarted | it is off, and counts its rounds anew |

## Tests

`tests/components/{{module}}`, in virtual time.
