# Passes on what the linker says of a static binary, but for the warnings that DuckDB's own use of dlopen (extensions, which
# are off), getaddrinfo (its HTTP client, which is not used) and getpwuid (~ in paths) brings. A warning is two lines: the function, and
# what of it; Go writes the package's name before the first.
function known(line) { return line ~ /libduckdb_static\.a|^ub_duckdb|^extension_load\.cpp:/ }
/^# github\.com\/mlp-lang\/mlp\/runtime\/cmd\/mlp$/ { head = $0; next }
/: in function / { within = $0; next }
/: warning: Using '(dlopen|getaddrinfo|getpwuid)' in statically linked applications requires at runtime the shared libraries from the glibc version used for linking$/ && known(within) { within = ""; next }
{
  if (head != "") print head
  if (within != "") print within
  head = within = ""
  print
}
END { if (within != "") print within }
