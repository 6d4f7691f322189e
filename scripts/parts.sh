#!/usr/bin/env bash
# What the integration tests talk to and the project itself does without: servers and a browser, pinned, in .parts and
# from Debian. What cannot be had is named, and its tests skip with a reason. What is there already is left as it is.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PATH:/usr/sbin" # where sshd lies

need=()
command -v sshd >/dev/null || need+=(openssh-server)
command -v chromium chromium-browser google-chrome >/dev/null || need+=(chromium)
if [[ -d /run/systemd/system && " ${need[*]} " == *" openssh-server "* ]]; then
  # Debian would start it on every interface here; the tests only want the program.
  echo "openssh-server: not installed, as systemd would start it; install it by hand" >&2
  need=("${need[@]/openssh-server/}")
  need=(${need[@]})
fi
if ((${#need[@]} && EUID)); then
  echo "${need[*]}: not installed, as only root can; run: apt-get install ${need[*]}" >&2
elif ((${#need[@]})); then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  for package in "${need[@]}"; do
    apt-get install -qq --no-install-recommends "$package" >/dev/null
    echo "$package: $(dpkg-query --show --showformat='${Version}' "$package")"
  done
fi
