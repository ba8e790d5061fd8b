/* Faults at the n-th file operation below one folder, for the process that calls fault_arm().
 *
 * Loaded with LD_PRELOAD. Counts the calls that create, change, read, rename or remove something below the folder;
 * the n-th one is made to fail, or the process is killed at it. Not armed, everything passes. Single-threaded use.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum kind { NONE, KILL, ENOSPC_ONCE, EIO_ONCE, SHORT_WRITE, TORN_KILL, FULL_FROM, SHORT_THEN_FULL };

static char root[4096];
static size_t root_length;
static long at, counted;
static enum kind kind;
static char trace[1 << 20];

void fault_arm(const char *folder, long position, int what) {
    strncpy(root, folder, sizeof root - 1);
    root_length = strlen(root);
    at = position;
    counted = 0;
    kind = (enum kind)what;
}

/* One letter for each counted call: o open to read, c open to write, w write, r read, f fsync, t truncate, n rename,
 * u unlink, m mkdir, d rmdir. */
const char *fault_trace(void) { return trace; }

static int below_path(const char *path) {
    char whole[8192];
    if (!root_length || !path) return 0;
    if (path[0] != '/') {
        char here[4096];
        if (!getcwd(here, sizeof here)) return 0;
        snprintf(whole, sizeof whole, "%s/%s", here, path);
        path = whole;
    }
    return strncmp(path, root, root_length) == 0;
}

static int below_fd(int fd) {
    char link[64], path[4096];
    if (!root_length) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return strncmp(path, root, root_length) == 0;
}

/* -1: fail with errno set; 1: write half; 0: go on. */
static int step(char operation) {
    if (counted < (long)sizeof trace - 1) trace[counted] = operation;
    counted++;
    int writes = strchr("cwftnmu", operation) != NULL;
    if ((kind == FULL_FROM || kind == SHORT_THEN_FULL) && at && counted > at && strchr("cwfm", operation)) {
        errno = ENOSPC;
        return -1;
    }
    if (counted != at) return 0;
    switch (kind) {
    case KILL: kill(getpid(), SIGKILL); break;
    case ENOSPC_ONCE: if (writes && operation != 'u') { errno = ENOSPC; return -1; } break;
    case EIO_ONCE: errno = EIO; return -1;
    case FULL_FROM: if (strchr("cwfm", operation)) { errno = ENOSPC; return -1; } break;
    case SHORT_WRITE:
    case SHORT_THEN_FULL:
    case TORN_KILL: return 1;
    default: break;
    }
    return 0;
}

#define REAL(name) ({ static __typeof__(&name) real; if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name); real; })

static char open_kind(int flags) { return (flags & (O_WRONLY | O_RDWR | O_CREAT)) ? 'c' : 'o'; }

#define OPEN(name)                                                                                     \
    int name(const char *path, int flags, ...) {                                                       \
        va_list arguments; va_start(arguments, flags); mode_t mode = va_arg(arguments, mode_t); va_end(arguments); \
        if (below_path(path) && step(open_kind(flags)) < 0) return -1;                                 \
        return REAL(name)(path, flags, mode);                                                          \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                                   \
    int name(int folder, const char *path, int flags, ...) {                                           \
        va_list arguments; va_start(arguments, flags); mode_t mode = va_arg(arguments, mode_t); va_end(arguments); \
        int ours = path[0] == '/' || folder == AT_FDCWD ? below_path(path) : below_fd(folder);         \
        if (ours && step(open_kind(flags)) < 0) return -1;                                             \
        return REAL(name)(folder, path, flags, mode);                                                  \
    }
OPENAT(openat)
OPENAT(openat64)

ssize_t write(int fd, const void *data, size_t size) {
    if (below_fd(fd)) {
        int what = step('w');
        if (what < 0) return -1;
        if (what > 0) {
            ssize_t done = REAL(write)(fd, data, size > 1 ? size / 2 : size);
            if (kind == TORN_KILL) kill(getpid(), SIGKILL);
            return done;
        }
    }
    return REAL(write)(fd, data, size);
}

#define PWRITE(name, type)                                                                             \
    ssize_t name(int fd, const void *data, size_t size, type offset) {                                 \
        if (below_fd(fd)) {                                                                            \
            int what = step('w');                                                                      \
            if (what < 0) return -1;                                                                   \
            if (what > 0) {                                                                            \
                ssize_t done = REAL(name)(fd, data, size > 1 ? size / 2 : size, offset);               \
                if (kind == TORN_KILL) kill(getpid(), SIGKILL);                                        \
                return done;                                                                           \
            }                                                                                          \
        }                                                                                              \
        return REAL(name)(fd, data, size, offset);                                                     \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define PREAD(name, type)                                                                              \
    ssize_t name(int fd, void *data, size_t size, type offset) {                                       \
        if (below_fd(fd) && step('r') < 0) return -1;                                                  \
        return REAL(name)(fd, data, size, offset);                                                     \
    }
PREAD(pread, off_t)
PREAD(pread64, off64_t)

ssize_t read(int fd, void *data, size_t size) {
    if (below_fd(fd) && step('r') < 0) return -1;
    return REAL(read)(fd, data, size);
}

#define ON_FD(name, letter) int name(int fd) { if (below_fd(fd) && step(letter) < 0) return -1; return REAL(name)(fd); }
ON_FD(fsync, 'f')
ON_FD(fdatasync, 'f')

#define TRUNCATE(name, type)                                                                           \
    int name(int fd, type size) { if (below_fd(fd) && step('t') < 0) return -1; return REAL(name)(fd, size); }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

int rename(const char *from, const char *to) {
    if (below_path(to) && step('n') < 0) return -1;
    return REAL(rename)(from, to);
}
int renameat(int a, const char *from, int b, const char *to) {
    if (below_path(to) && step('n') < 0) return -1;
    return REAL(renameat)(a, from, b, to);
}
int unlink(const char *path) {
    if (below_path(path) && step('u') < 0) return -1;
    return REAL(unlink)(path);
}
int unlinkat(int folder, const char *path, int flags) {
    int ours = path[0] == '/' || folder == AT_FDCWD ? below_path(path) : below_fd(folder);
    if (ours && step('u') < 0) return -1;
    return REAL(unlinkat)(folder, path, flags);
}
int mkdir(const char *path, mode_t mode) {
    if (below_path(path) && step('m') < 0) return -1;
    return REAL(mkdir)(path, mode);
}
int rmdir(const char *path) {
    if (below_path(path) && step('d') < 0) return -1;
    return REAL(rmdir)(path);
}
