#!/bin/sh
# Installs the peppermill of a release, after comparing it with the release's checksums.
#
#   sh install.sh                          the newest release, into /usr/local/bin or ~/.local/bin
#   sh install.sh --version 0.1.0 --to ~/bin
#   sh install.sh --from FOLDER            a release that was downloaded before: no network
#
# Needs tar with xz, and sha256sum or shasum; without --from also curl.
set -eu

repository=${PEPPERMILL_REPOSITORY:-peppermill/peppermill}
version=
from=
to=

say() { printf 'install: %s\n' "$1" >&2; }
fail() {
  say "$1"
  [ $# -lt 2 ] || say "hint: $2"
  exit 1
}
needs() { command -v "$1" >/dev/null 2>&1 || fail "$1 is missing here" "install it and try again"; }

while [ $# -gt 0 ]; do
  case $1 in
    --version | --from | --to) [ $# -gt 1 ] || fail "$1 wants a value" ;;
    --help)
      sed -n '2,8s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    *) fail "there is no option $1" "--version, --from and --to are all there are" ;;
  esac
  case $1 in
    --version) version=${2#v} ;;
    --from) from=$2 ;;
    --to) to=$2 ;;
  esac
  shift 2
done

case $(uname -s) in
  Linux) os=linux ;;
  Darwin) os=darwin ;;
  *) fail "there is no release for $(uname -s)" "on Windows unpack the .zip of the release" ;;
esac
case $(uname -m) in
  x86_64 | amd64) arch=x64 ;;
  aarch64 | arm64) arch=arm64 ;;
  *) fail "there is no release for a $(uname -m)" ;;
esac
if [ "$os" = linux ] && ! ldd --version 2>&1 | grep -qiE 'glibc|gnu libc'; then
  fail "this Linux has another C library than glibc" "Alpine and its like cannot run it; a container can"
fi

needs tar
if command -v sha256sum >/dev/null 2>&1; then
  sum=sha256sum
else
  needs shasum
  sum='shasum -a 256'
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

fetch() {
  if [ -n "$from" ]; then
    cp "$from/$1" "$work/$1" 2>/dev/null || fail "$from has no $1"
  else
    url="https://github.com/$repository/releases/download/v$version/$1"
    curl --proto '=https' --tlsv1.2 --fail --silent --show-error --location --output "$work/$1" "$url" ||
      fail "could not download $1 of release $version"
  fi
}

if [ -z "$from" ]; then
  needs curl
  if [ -z "$version" ]; then
    # The newest release's page has its tag at the end of its address.
    latest=$(curl --proto '=https' --tlsv1.2 --fail --silent --location --output /dev/null \
      --write-out '%{url_effective}' "https://github.com/$repository/releases/latest") ||
      fail "could not ask for the newest release"
    version=${latest##*/v}
  fi
fi

fetch SHA256SUMS
# Of a folder the checksums say which version it is.
[ -n "$version" ] || version=$(sed -n "s/.*  peppermill-\(.*\)-$os-$arch\.tar\.xz\$/\1/p" "$work/SHA256SUMS" | head -n 1)
archive="peppermill-$version-$os-$arch.tar.xz"
line=$(grep -E "^[0-9a-f]{64}  $archive\$" "$work/SHA256SUMS" || true)
[ -n "$line" ] || fail "SHA256SUMS has no line for $archive" "this release may not be made for $os-$arch"
fetch "$archive"
(cd "$work" && printf '%s\n' "$line" | $sum -c - >/dev/null 2>&1) ||
  fail "$archive is not what SHA256SUMS says" "nothing was installed; download it again, and do not run it"

tar -xJf "$work/$archive" -C "$work"
program="$work/peppermill-$version-$os-$arch/peppermill"
if ! "$program" --version >"$work/version" 2>"$work/error"; then
  sed 's/^/install: /' "$work/error" >&2
  fail "the program does not start on this machine" "on Debian and Ubuntu: apt-get install libatomic1"
fi

if [ -z "$to" ]; then
  if [ -w /usr/local/bin ]; then to=/usr/local/bin; else to=$HOME/.local/bin; fi
fi
mkdir -p "$to"
# Beside its place first: a peppermill that runs is replaced whole, or not at all.
cp "$program" "$to/.peppermill.new"
chmod 755 "$to/.peppermill.new"
mv -f "$to/.peppermill.new" "$to/peppermill"
say "$(cat "$work/version") is in $to"
case :$PATH: in
  *":$to:"*) ;;
  *) say "$to is not on your PATH" ;;
esac
