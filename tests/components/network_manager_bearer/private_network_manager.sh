# NetworkManager with a bus, a network and folders of its own; its wire `veth0` ends at an authenticator on `veth1`.
# Usage: unshare --net --mount sh THIS FOLDER. Then each line of its input is carried out; at its end all of it ends.
set -e
folder=$1
mount -t tmpfs none /run
mkdir -p /run/NetworkManager /var/lib/NetworkManager /etc/NetworkManager
mount -t tmpfs none /var/lib/NetworkManager
mount -t tmpfs none /etc/NetworkManager
# With /sys read-only it does not wait for udev, which knows nothing of this network.
mount -t sysfs -o ro none /sys
ip link set lo up
ip link add veth0 type veth peer name veth1
ip link set veth1 up
cat > /etc/NetworkManager/NetworkManager.conf <<END
[main]
plugins=keyfile
dns=none
no-auto-default=*
auth-polkit=false
END
cat > "$folder/bus.conf" <<END
<busconfig>
  <type>system</type>
  <listen>unix:path=$folder/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/><allow own="*"/><allow send_destination="*"/>
    <allow send_type="method_call"/><allow send_type="signal"/>
    <allow receive_type="method_call"/><allow receive_type="method_return"/>
    <allow receive_type="error"/><allow receive_type="signal"/>
  </policy>
</busconfig>
END
export DBUS_SYSTEM_BUS_ADDRESS="unix:path=$folder/bus"
dbus-daemon --config-file="$folder/bus.conf" --nofork --nopidfile &
pids=$!
while [ ! -S "$folder/bus" ]; do sleep 0.05; done
if command -v wpa_supplicant > /dev/null && command -v hostapd > /dev/null; then
    echo '"me" MD5 "secret \\ word"' > "$folder/users"
    printf 'interface=veth1\ndriver=wired\nieee8021x=1\neap_server=1\neap_user_file=%s/users\nuse_pae_group_addr=1\n' \
        "$folder" > "$folder/hostapd.conf"
    wpa_supplicant -u -O "$folder/wpa" &
    pids="$pids $!"
    hostapd "$folder/hostapd.conf" &
    pids="$pids $!"
fi
NetworkManager --debug --log-level=INFO &
pids="$pids $!"
set +e
while read -r line; do
    eval "$line"
done
kill $pids
wait
