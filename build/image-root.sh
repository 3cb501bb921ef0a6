#!/bin/sh
# Puts together what the image has besides Sallyport, in the folder $1: Node without its symbols, the libraries
# that it is linked with, certificate authorities, and the files that name the user. There is no shell.
set -eu
root=$1
user=65532

mkdir -p "$root/etc/ssl/certs" "$root/usr/local/bin" "$root/usr/lib" "$root/usr/lib64" "$root/tmp" \
  "$root/usr/share/doc" "$root/var/lib/dpkg/status.d" "$root/usr/share/licenses/node"
ln -s usr/lib "$root/lib"
ln -s usr/lib64 "$root/lib64"
chmod 1777 "$root/tmp"
# The sockets and the state belong to the one user that Envoy's container runs as, too. A new volume takes over
# whom its folder belongs to.
install -d -o "$user" -g "$user" -m 700 "$root/run/sallyport" "$root/var/lib/sallyport"
ln -s ../../../opt/sallyport/bin/sallyport.mjs "$root/usr/local/bin/sallyport"

strip --strip-all -o "$root/usr/local/bin/node" "$(command -v node)"
for licence in /usr/local/LICENSE "$(dirname "$(command -v node)")/../LICENSE"; do
  if [ -f "$licence" ]; then cp "$licence" "$root/usr/share/licenses/node/"; break; fi
done

# Those that a program is linked with, and those by which the C library looks up names.
linked=$(ldd "$(command -v node)" | awk '$3 ~ /^\// { print $3 } $1 ~ /^\// { print $1 }')
libraries=$(dirname "$(echo "$linked" | grep '/libc\.so\.6$')")
for library in $linked "$libraries/libnss_dns.so.2" "$libraries/libnss_files.so.2" "$libraries/libresolv.so.2"; do
  directory=$(dirname "$(readlink -f "$(dirname "$library")")/x")
  mkdir -p "$root$directory"
  cp -L "$library" "$root$directory/"
done

# What scanners for vulnerabilities look for, and the licences.
for package in base-files ca-certificates libatomic1 libc6 libgcc-s1 libstdc++6; do
  if dpkg-query --status "$package" >"$root/var/lib/dpkg/status.d/$package" 2>/dev/null; then
    mkdir -p "$root/usr/share/doc/$package"
    cp -L "/usr/share/doc/$package/copyright" "$root/usr/share/doc/$package/"
  else
    rm "$root/var/lib/dpkg/status.d/$package"
  fi
done

cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
cp -L /etc/os-release "$root/etc/"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
cat >"$root/etc/passwd" <<PASSWD
root:x:0:0:root:/:/sbin/nologin
sallyport:x:$user:$user:Sallyport:/var/lib/sallyport:/sbin/nologin
PASSWD
printf 'root:x:0:\nsallyport:x:%s:\n' "$user" >"$root/etc/group"

find "$root" -exec touch -h -d "@${SOURCE_DATE_EPOCH:-0}" {} +
