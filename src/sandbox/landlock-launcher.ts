/**
 * A Python program that walls itself in and becomes the command: Landlock rules for files, TCP, abstract sockets and signals, then our filter of
 * system calls, then resource limits. Its one argument is JSON: `{read, write, limits: [[name, value]], filter, words}`. It ends with 125 and a
 * line that begins with `landlock:` when the kernel does not give everything that is asked for.
 */
export const LANDLOCK_LAUNCHER = `
import ctypes, json, os, resource, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
def die(why):
    sys.stderr.write("landlock: " + why + "\\n"); os._exit(125)
def call(*args):
    got = libc.syscall(*[ctypes.c_long(a) if isinstance(a, int) else a for a in args])
    if got < 0: die("system call %d: %s" % (args[0], os.strerror(ctypes.get_errno())))
    return got
order = json.loads(sys.argv[1])
abi = libc.syscall(ctypes.c_long(444), None, ctypes.c_long(0), ctypes.c_long(1))
if abi < 6: die("the kernel has version %d of Landlock, 6 is needed" % abi)
if order.get("probe"): print(abi, flush=True); os._exit(0)
ALL, READ, FILE_READ, FILE_WRITE = (1 << 16) - 1, 0b1101, 0b0101, 0b0111 | 1 << 14 | 1 << 15
rules = call(444, ctypes.create_string_buffer(struct.pack("=QQQ", ALL, 3, 3)), 24, 0)
def allow(path, access):
    try: fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError: return
    if not os.path.isdir(path): access &= FILE_WRITE
    call(445, rules, 1, ctypes.create_string_buffer(struct.pack("=Qi", access, fd)), 0)
    os.close(fd)
for path in order["read"]: allow(path, READ)
for path in order["write"]: allow(path, ALL)
for path in ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"]: allow(path, FILE_WRITE)
kind = {"as": 9, "data": 2, "nproc": 6, "fsize": 1, "nofile": 7, "cpu": 0, "core": 4}
program = open(order["filter"], "rb").read()
words = [w.encode() for w in order["words"]]
os.closerange(3, rules)
os.closerange(rules + 1, 65536)
if libc.prctl(38, 1, 0, 0, 0) != 0: die("no_new_privs")
call(446, rules, 0)
os.close(rules)
for name, value in order["limits"]: resource.setrlimit(kind[name], (value, value))
buffer = ctypes.create_string_buffer(program, len(program))
class Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("program", ctypes.c_void_p)]
wall = Filter(len(program) // 8, ctypes.cast(buffer, ctypes.c_void_p).value)
if libc.prctl(22, 2, ctypes.byref(wall), 0, 0) != 0: die("the filter was refused")
try: os.execv(words[0], words)
except OSError as error: die("%s: %s" % (order["words"][0], error.strerror))
`
