# {{name}}

A deployment of Kittiwake. `kittiwake new deployment` made it; say here what it is for.

```sh
make test      # checks and tests everything; builds the virtual environment at first
make run       # starts the deployment; its events appear in the terminal
make ground    # starts it with the ground station, whose dashboard is on http://127.0.0.1:8090/
```

Linux, Python 3.11 or newer and make are needed. While it runs, in a second terminal:

```sh
. .venv/bin/activate
kittiwake ground send {{name}}.beacon.SWITCH true
kittiwake ground channels '{{name}}.beacon.*'
```

## What is here

| Folder | Holds |
|---|---|
| `{{module}}` | the components, a folder each: `component.py`, and `README.md` as its design sheet |
| `topologies` | [{{module}}.yaml](topologies/{{module}}.yaml): the instances and their connections |
| `sequences` | [startup.seq](sequences/startup.seq), for after each start: `make sequence` compiles it |
| `tests` | what all of them do, in virtual time |

## More of it

```sh
kittiwake new component WaterPump                # a component with its sheet and tests
kittiwake new component WaterPump --kind active  # one with a queue of its own
kittiwake new topology Trial                     # another deployment of the same components
```

What is new is not in a topology yet: the command prints the lines to add. `make build` writes the image for the device
and the dictionary for the ground to `build`. `make run ARGS="--dev"` restarts the deployment at each change of its
sources.
