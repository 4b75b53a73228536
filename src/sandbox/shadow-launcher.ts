/**
 * A Python program for root alone: in a mount namespace of its own it binds folders of root to other places, where they belong to the sandbox's
 * user (idmapped mounts), then becomes the command that drops all rights. So a sandbox that is never root can use a project that is. Its one
 * argument is JSON: `{shadows: [{path, target}], uid, gid, words}`; it ends with 125 and a line that begins with `shadow:` when the kernel refuses.
 */
export const SHADOW_LAUNCHER = `
import ctypes, json, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(what, number, *args):
    got = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) if isinstance(a, int) else a for a in args])
    if got < 0:
        sys.stderr.write("shadow: %s: %s\\n" % (what, os.strerror(ctypes.get_errno()))); os._exit(125)
    return got
order = json.loads(sys.argv[1])
ready, done = os.pipe(), os.pipe()
child = os.fork()
if child == 0:
    if libc.unshare(0x10000000) != 0: os._exit(1)
    os.write(ready[1], b"r"); os.read(done[0], 1); os._exit(0)
os.close(ready[1])
if os.read(ready[0], 1) != b"r":
    sys.stderr.write("shadow: no user namespace\\n"); os._exit(125)
for kind in ["uid", "gid"]:
    with open("/proc/%d/%s_map" % (child, kind), "w") as file: file.write("0 %d 1" % order[kind])
owner = os.open("/proc/%d/ns/user" % child, os.O_RDONLY | os.O_CLOEXEC)
os.write(done[1], b"d"); os.waitpid(child, 0)
if libc.unshare(0x00020000) != 0 or libc.mount(b"none", b"/", None, 0x4000 | 0x40000, None) != 0:
    sys.stderr.write("shadow: no mount namespace\\n"); os._exit(125)
attributes = ctypes.create_string_buffer(struct.pack("=QQQQ", 0x100000, 0, 0, owner))
for shadow in order["shadows"]:
    tree = call(shadow["path"], 428, -100, shadow["path"].encode(), 1 | 0o2000000 | 0x8000)
    call(shadow["path"], 442, tree, b"", 0x1000 | 0x8000, attributes, 32)
    call(shadow["path"], 429, tree, b"", -100, shadow["target"].encode(), 4)
    os.close(tree)
for fd in [ready[0], done[0], done[1], owner]: os.close(fd)
os.execv(order["words"][0], order["words"])
`
