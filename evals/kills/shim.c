/* Kills the process it is loaded into, by SIGKILL, at a write boundary: just before a system call that changes a file of the
 * session, half way through a write, or just after a rename. Loaded by LD_PRELOAD; without an order it changes nothing.
 *
 * PRODA_KILL_ROOT   the session's folder: only files under it count
 * PRODA_KILL_ORDER  a file with one line, "ROLE COUNT SERIAL": who is to die ("host", "worker" or "any"), and at which boundary
 *                   it meets from now on; COUNT 0: at the first kind of boundary that PRODA_KILL_SEEN does not name yet.
 *                   Whoever dies takes the file away first, so one order is one death.
 * PRODA_KILL_SEEN   a file that gets a line "ROLE KIND" for every death
 * PRODA_KILL_SAMPLE N: of all kinds of boundary only about one in N, always the same ones
 * PRODA_KILL_ROLE   who this process is; "worker" where it is not set
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

#define ALNUM "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static long serial_seen = -1, count_left;

static int raw_read(const char *path, char *into, size_t room) {
    long fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) return -1;
    size_t have = 0;
    long got;
    while (have + 1 < room && (got = syscall(SYS_read, fd, into + have, room - 1 - have)) > 0) have += got;
    into[have] = 0;
    syscall(SYS_close, fd);
    return (int)have;
}

/* A path's kind: what is random or counted in it is blotted out, so that the same file of another job is the same kind. */
static void blot(const char *path, char *kind, size_t room) {
    size_t out = 0;
    for (size_t at = 0; path[at] && out + 2 < room;) {
        size_t span = strspn(path + at, "0123456789abcdef"), digits = strspn(path + at, "0123456789");
        int alone = at == 0 || strchr("/-_.", path[at - 1]) != NULL;
        if (strncmp(path + at, ".tmp", 4) == 0 && strspn(path + at + 4, ALNUM) >= 6) { /* safetensors' temporary files */
            memcpy(kind + out, ".tmp*", 5 < room - out ? 5 : 0);
            out += 5 < room - out ? 5 : 0;
            at += 4 + strspn(path + at + 4, ALNUM);
        } else if (span >= 8 || (alone && digits > 0 && digits == span)) {
            kind[out++] = '*';
            at += span;
        } else if (span > 0) {
            while (span-- && out + 2 < room) kind[out++] = path[at++];
        } else {
            kind[out++] = path[at++];
        }
    }
    kind[out] = 0;
}

static void die(const char *role, const char *order, const char *what, const char *kind) {
    if (syscall(SYS_unlinkat, AT_FDCWD, order, 0) != 0) return; /* another process has this death */
    const char *seen = getenv("PRODA_KILL_SEEN");
    char line[PATH_MAX + 64];
    int size = snprintf(line, sizeof line, "%s %s %s\n", role, what, kind);
    long fd = seen ? syscall(SYS_openat, AT_FDCWD, seen, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : -1;
    if (fd >= 0) syscall(SYS_write, fd, line, size);
    syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
    for (;;) pause();
}

static int is_new(const char *role, const char *what, const char *kind) {
    static char known[1 << 17];
    char line[PATH_MAX + 64];
    const char *seen = getenv("PRODA_KILL_SEEN");
    known[0] = '\n';
    long sample = getenv("PRODA_KILL_SAMPLE") ? atol(getenv("PRODA_KILL_SAMPLE")) : 1;
    unsigned long sum = 5381;
    for (const char *at = kind; *at; at++) sum = sum * 33 + (unsigned char)*at;
    for (const char *at = what; *at; at++) sum = sum * 33 + (unsigned char)*at;
    if (sample > 1 && sum % sample != 0) return 0;
    if (!seen || raw_read(seen, known + 1, sizeof known - 1) < 0) return 1;
    snprintf(line, sizeof line, "\n%s %s %s\n", role, what, kind);
    return strstr(known, line) == NULL;
}

/* Whether this boundary is the one ordered. "torn" boundaries are asked for before their write, and are counted with it. */
static int due(const char *path, const char *what, char *kind, size_t room) {
    const char *root = getenv("PRODA_KILL_ROOT"), *order = getenv("PRODA_KILL_ORDER");
    size_t length = root ? strlen(root) : 0;
    if (!length || !order || strncmp(path, root, length) != 0 || path[length] != '/') return 0;
    char text[96], who[16];
    long count, serial;
    if (raw_read(order, text, sizeof text) < 0 || sscanf(text, "%15s %ld %ld", who, &count, &serial) != 3) return 0;
    const char *role = getenv("PRODA_KILL_ROLE") ? getenv("PRODA_KILL_ROLE") : "worker";
    if (strcmp(who, "any") != 0 && strcmp(who, role) != 0) return 0;
    blot(path + length + 1, kind, room);
    if (count == 0) return is_new(role, what, kind);
    if (serial != serial_seen) serial_seen = serial, count_left = count;
    return --count_left == 0;
}

static void boundary(const char *path, const char *what) {
    char kind[PATH_MAX];
    int before = errno;
    if (due(path, what, kind, sizeof kind)) {
        const char *role = getenv("PRODA_KILL_ROLE") ? getenv("PRODA_KILL_ROLE") : "worker";
        die(role, getenv("PRODA_KILL_ORDER"), what, kind);
    }
    errno = before;
}

static int path_of(int fd, char *path) {
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long size = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
    if (size <= 0 || path[0] != '/') return 0;
    path[size] = 0;
    return 1;
}

static void whole_path(int folder, const char *path, char *whole) {
    char base[PATH_MAX] = "";
    if (path[0] != '/') {
        if (folder == AT_FDCWD) {
            if (!getcwd(base, sizeof base)) base[0] = 0;
        } else if (!path_of(folder, base)) {
            base[0] = 0;
        }
        strncat(base, "/", sizeof base - strlen(base) - 1);
    }
    if (strlen(base) + strlen(path) >= PATH_MAX) whole[0] = 0; /* no file has such a path */
    else strcat(strcpy(whole, base), path);
}

static void at_fd(int fd, const char *what) {
    char path[PATH_MAX];
    if (getenv("PRODA_KILL_ROOT") && path_of(fd, path)) boundary(path, what);
}

static void at_path(int folder, const char *name, const char *what) {
    char path[PATH_MAX];
    if (!getenv("PRODA_KILL_ROOT")) return;
    whole_path(folder, name, path);
    boundary(path, what);
}

/* Before a write, and then half way through it. */
static void at_write(int fd, const void *data, size_t size, long offset) {
    char path[PATH_MAX], kind[PATH_MAX];
    int before = errno;
    if (!getenv("PRODA_KILL_ROOT") || !path_of(fd, path)) return;
    boundary(path, "write");
    if (size > 1 && due(path, "torn", kind, sizeof kind)) {
        long half = (long)(size / 2);
        if (offset < 0) syscall(SYS_write, fd, data, half);
        else syscall(SYS_pwrite64, fd, data, half, offset);
        const char *role = getenv("PRODA_KILL_ROLE") ? getenv("PRODA_KILL_ROLE") : "worker";
        die(role, getenv("PRODA_KILL_ORDER"), "torn", kind);
    }
    errno = before;
}

ssize_t write(int fd, const void *data, size_t size) {
    REAL(write);
    at_write(fd, data, size, -1);
    return real(fd, data, size);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
    REAL(pwrite);
    at_write(fd, data, size, offset);
    return real(fd, data, size, offset);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
    REAL(pwrite64);
    at_write(fd, data, size, offset);
    return real(fd, data, size, offset);
}
ssize_t writev(int fd, const struct iovec *parts, int number) {
    REAL(writev);
    at_fd(fd, "write");
    return real(fd, parts, number);
}
int fsync(int fd) {
    REAL(fsync);
    at_fd(fd, "fsync");
    return real(fd);
}
int fdatasync(int fd) {
    REAL(fdatasync);
    at_fd(fd, "fsync");
    return real(fd);
}
int ftruncate(int fd, off_t size) {
    REAL(ftruncate);
    at_fd(fd, "truncate");
    return real(fd, size);
}
int ftruncate64(int fd, off64_t size) {
    REAL(ftruncate64);
    at_fd(fd, "truncate");
    return real(fd, size);
}
int rename(const char *from, const char *to) {
    REAL(rename);
    at_path(AT_FDCWD, to, "rename");
    int result = real(from, to);
    if (result == 0) at_path(AT_FDCWD, to, "renamed");
    return result;
}
int renameat(int a, const char *from, int b, const char *to) {
    REAL(renameat);
    at_path(b, to, "rename");
    int result = real(a, from, b, to);
    if (result == 0) at_path(b, to, "renamed");
    return result;
}
int unlink(const char *path) {
    REAL(unlink);
    at_path(AT_FDCWD, path, "unlink");
    return real(path);
}
int unlinkat(int folder, const char *path, int flags) {
    REAL(unlinkat);
    at_path(folder, path, "unlink");
    return real(folder, path, flags);
}
int rmdir(const char *path) {
    REAL(rmdir);
    at_path(AT_FDCWD, path, "unlink");
    return real(path);
}
int mkdir(const char *path, mode_t mode) {
    REAL(mkdir);
    at_path(AT_FDCWD, path, "mkdir");
    return real(path, mode);
}
int mkdirat(int folder, const char *path, mode_t mode) {
    REAL(mkdirat);
    at_path(folder, path, "mkdir");
    return real(folder, path, mode);
}

#define MODE_OF(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { \
        va_list rest; \
        va_start(rest, flags); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }
#define CHANGES(flags) (((flags) & (O_CREAT | O_TRUNC)) && ((flags) & O_ACCMODE) != O_RDONLY)

int open(const char *path, int flags, ...) {
    REAL(open);
    MODE_OF(flags)
    if (CHANGES(flags)) at_path(AT_FDCWD, path, "open");
    return real(path, flags, mode);
}
int open64(const char *path, int flags, ...) {
    REAL(open64);
    MODE_OF(flags)
    if (CHANGES(flags)) at_path(AT_FDCWD, path, "open");
    return real(path, flags, mode);
}
int openat(int folder, const char *path, int flags, ...) {
    REAL(openat);
    MODE_OF(flags)
    if (CHANGES(flags)) at_path(folder, path, "open");
    return real(folder, path, flags, mode);
}
int openat64(int folder, const char *path, int flags, ...) {
    REAL(openat64);
    MODE_OF(flags)
    if (CHANGES(flags)) at_path(folder, path, "open");
    return real(folder, path, flags, mode);
}
