/* A layer between a process and its disk, for the fault tests: preloaded, never linked into Satchel.
 *
 * Why it exists: after `kill -9` the page cache still holds what was never synced, so a kill says nothing
 * about a power cut. This records, for every change below one folder, how to take it back, and when it was
 * synced; the harness kills the process and takes back what was not. It can also fail the n-th operation,
 * kill the process at its n-th operation, and say that the disk is full for as long as a file exists.
 *
 * Invariants: a record is written before its change, so a kill between both is harmless; records of all
 * threads and processes stand in the order of the changes; nothing outside of the folder is touched.
 *
 * Does not know: mmap (SQLite's -shm is rebuilt after a crash and holds no data), and what a real disk
 * does between two syncs (the harness chooses that by seed). Syncs are recorded, not done: the machine
 * that runs the tests loses no power.
 *
 * Environment: FAULTS_FOLDER, FAULTS_LOG (a folder on the same file system), FAULTS_KILL_AT=n,
 * FAULTS_FAIL=at:count:errno:kinds (kinds of w, s, n), FAULTS_SYNC=lazy|never.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FDS = 4096, LAZY_MAX = 8, RECORD_MAGIC = 0x53465431 };
enum { UNKNOWN = 0, FOREIGN, FILE_BELOW, SHM_BELOW, FOLDER_BELOW };

struct record {
    uint32_t magic;
    uint32_t kind;
    uint64_t ino, offset, size;
    uint32_t old_len, new_len;
};

struct known {
    int what;
    uint64_t ino;
    int is_log; /* a write-ahead log of SQLite */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char folder[PATH_MAX], log_folder[PATH_MAX], full_path[PATH_MAX];
static size_t folder_len;
static int log_fd = -1;
static long operation, kill_at, fail_at, fail_count;
static int fail_errno = EIO, fail_writes, fail_syncs, fail_names, sync_lazy, sync_never;
static struct known fds[FDS];
static uint64_t lazy[LAZY_MAX];
static uint64_t header_of; /* the log whose last write was its header */

static int ends_with(const char *text, const char *end) {
    size_t a = strlen(text), b = strlen(end);
    return a >= b && strcmp(text + a - b, end) == 0;
}

static int is_below(const char *path) {
    return folder_len && strncmp(path, folder, folder_len) == 0 &&
           (path[folder_len] == '/' || path[folder_len] == 0);
}

__attribute__((constructor)) static void begin(void) {
    const char *below = getenv("FAULTS_FOLDER"), *to = getenv("FAULTS_LOG"), *value;
    if (!below || !to) return;
    snprintf(folder, sizeof folder, "%s", below);
    snprintf(log_folder, sizeof log_folder, "%s", to);
    snprintf(full_path, sizeof full_path, "%s/full", to);
    char path[PATH_MAX + 8];
    snprintf(path, sizeof path, "%s/undo", log_folder);
    log_fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log_fd < 0) abort();
    if ((value = getenv("FAULTS_KILL_AT"))) kill_at = atol(value);
    if ((value = getenv("FAULTS_SYNC"))) {
        sync_lazy = strcmp(value, "lazy") == 0;
        sync_never = strcmp(value, "never") == 0;
    }
    char kinds[8] = "";
    if ((value = getenv("FAULTS_FAIL")) &&
        sscanf(value, "%ld:%ld:%d:%7s", &fail_at, &fail_count, &fail_errno, kinds) == 4) {
        fail_writes = strchr(kinds, 'w') != NULL;
        fail_syncs = strchr(kinds, 's') != NULL;
        fail_names = strchr(kinds, 'n') != NULL;
    }
    folder_len = strlen(folder);
}

/* Appends one record; `kind` is a letter. */
static void record(char kind, uint64_t ino, uint64_t offset, uint64_t size, const void *old, size_t old_len,
                   const void *new, size_t new_len) {
    struct record head = {RECORD_MAGIC, (uint32_t)kind, ino, offset, size, (uint32_t)old_len, (uint32_t)new_len};
    struct iovec parts[3] = {{&head, sizeof head}, {(void *)old, old_len}, {(void *)new, new_len}};
    if (syscall(SYS_writev, log_fd, parts, 3) != (long)(sizeof head + old_len + new_len)) abort();
}

/* Keeps a name for a file, so that the harness finds its content whatever its name is by then. */
static void keep(const char *path, uint64_t ino) {
    char kept[PATH_MAX + 32];
    snprintf(kept, sizeof kept, "%s/ino-%llu", log_folder, (unsigned long long)ino);
    syscall(SYS_linkat, AT_FDCWD, path, AT_FDCWD, kept, 0);
}

/* Counts an operation; dies or fails if it is its turn. Returns whether it must fail. */
static int count(int may_fail, char kind) {
    operation++;
    if (operation == kill_at) {
        record('K', 0, (uint64_t)operation, 0, NULL, 0, NULL, 0);
        return -1;
    }
    if (may_fail && fail_count > 0) {
        static long turn;
        if (++turn >= fail_at) {
            fail_count--;
            record('F', 0, (uint64_t)turn, (uint64_t)kind, NULL, 0, NULL, 0);
            errno = fail_errno;
            return 1;
        }
    }
    return 0;
}

static void die(void) {
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;) pause();
}

static struct known look(int fd) {
    struct known none = {FOREIGN, 0, 0};
    if (fd < 0 || fd >= FDS || !folder_len || fd == log_fd) return none;
    if (fds[fd].what != UNKNOWN) return fds[fd];
    struct known found = none;
    char link[64], path[PATH_MAX];
    struct stat about;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length > 0 && fstat(fd, &about) == 0) {
        path[length] = 0;
        if (is_below(path) && S_ISDIR(about.st_mode)) found.what = FOLDER_BELOW;
        if (is_below(path) && S_ISREG(about.st_mode)) {
            found.what = ends_with(path, "-shm") ? SHM_BELOW : FILE_BELOW;
            found.ino = about.st_ino;
            found.is_log = ends_with(path, "-wal");
            if (found.what == FILE_BELOW) keep(path, about.st_ino);
        }
    }
    fds[fd] = found;
    return found;
}

static uint64_t size_of(int fd) {
    struct stat about;
    return fstat(fd, &about) == 0 ? (uint64_t)about.st_size : 0;
}

/* Reads what is about to be overwritten, also of a file that is open for writing only. */
static char *read_old(int fd, uint64_t offset, uint64_t size, size_t wanted, size_t *length) {
    *length = 0;
    if (offset >= size || wanted == 0) return NULL;
    if (wanted > size - offset) wanted = (size_t)(size - offset);
    char *old = malloc(wanted);
    if (!old) abort();
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int reader = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    while (reader >= 0 && *length < wanted) {
        long got = syscall(SYS_pread64, reader, old + *length, wanted - *length, offset + *length);
        if (got <= 0) break;
        *length += (size_t)got;
    }
    if (reader >= 0) syscall(SYS_close, reader);
    return old;
}

static int is_full(void) { return syscall(SYS_access, full_path, F_OK) == 0; }

/* One write at a place. */
static ssize_t write_at(int fd, struct known about, const void *bytes, size_t length, uint64_t offset, int moves) {
    pthread_mutex_lock(&lock);
    ssize_t written = -1;
    uint64_t size = size_of(fd);
    int turn = count(fail_writes, 'w');
    if (turn > 0) goto out;
    if (offset + length > size && is_full()) {
        errno = ENOSPC;
        goto out;
    }
    if (about.what == FILE_BELOW) {
        if (about.is_log) header_of = offset == 0 && length == 32 ? about.ino : 0;
        if (!about.is_log) {
            for (int i = 0; i < LAZY_MAX; i++) {
                if (lazy[i]) record('S', lazy[i], 0, 0, NULL, 0, NULL, 0);
                lazy[i] = 0;
            }
        }
        size_t old_len;
        char *old = read_old(fd, offset, size, length, &old_len);
        record('W', about.ino, offset, size, old, old_len, bytes, length);
        free(old);
    }
    if (turn < 0 && (kill_at & 1)) length /= 2; /* a kill in the middle of a write */
    written = moves ? syscall(SYS_write, fd, bytes, length) : syscall(SYS_pwrite64, fd, bytes, length, offset);
    if (turn < 0) die();
out:
    pthread_mutex_unlock(&lock);
    return written;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
    struct known about = look(fd);
    if (about.what == FILE_BELOW || about.what == SHM_BELOW)
        return write_at(fd, about, bytes, length, (uint64_t)offset, 0);
    return syscall(SYS_pwrite64, fd, bytes, length, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) { return pwrite64(fd, bytes, length, offset); }

static uint64_t place_of(int fd) {
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && (flags & O_APPEND)) return size_of(fd);
    return (uint64_t)lseek(fd, 0, SEEK_CUR);
}

ssize_t write(int fd, const void *bytes, size_t length) {
    struct known about = look(fd);
    if (about.what == FILE_BELOW || about.what == SHM_BELOW)
        return write_at(fd, about, bytes, length, place_of(fd), 1);
    return syscall(SYS_write, fd, bytes, length);
}

ssize_t writev(int fd, const struct iovec *parts, int number) {
    struct known about = look(fd);
    if (about.what != FILE_BELOW && about.what != SHM_BELOW) return syscall(SYS_writev, fd, parts, number);
    for (int i = 0; i < number; i++)
        if (parts[i].iov_len) return write(fd, parts[i].iov_base, parts[i].iov_len);
    return 0;
}

int ftruncate64(int fd, off64_t length) {
    struct known about = look(fd);
    if (about.what != FILE_BELOW && about.what != SHM_BELOW) return (int)syscall(SYS_ftruncate, fd, length);
    pthread_mutex_lock(&lock);
    int result = -1, turn = count(fail_writes, 't');
    if (turn < 0) die();
    if (turn == 0) {
        if (about.what == FILE_BELOW) {
            uint64_t size = size_of(fd);
            size_t old_len;
            char *old = read_old(fd, (uint64_t)length, size, SIZE_MAX, &old_len);
            record('T', about.ino, (uint64_t)length, size, old, old_len, NULL, 0);
            free(old);
        }
        result = (int)syscall(SYS_ftruncate, fd, length);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

static int sync_file(int fd, long number) {
    struct known about = look(fd);
    if (about.what == FOREIGN || about.what == UNKNOWN) return (int)syscall(number, fd);
    pthread_mutex_lock(&lock);
    int result = 0, turn = count(fail_syncs, 's');
    if (turn < 0) die();
    if (turn > 0) {
        /* As on Linux: what could not be written is forgotten, and the next sync says nothing of it. */
        if (about.what == FILE_BELOW) record('X', about.ino, 0, 0, NULL, 0, NULL, 0);
        result = -1;
    } else if (about.what == FOLDER_BELOW) {
        char link[64], path[PATH_MAX];
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, path, sizeof path - 1);
        if (length > 0 && !sync_never) record('D', 0, 0, 0, path, (size_t)length, NULL, 0);
    } else if (about.what == FILE_BELOW && !sync_never) {
        if (sync_lazy && about.is_log && header_of != about.ino) {
            /* As with synchronous=NORMAL: the log is synced before a checkpoint writes, not at a commit. */
            for (int i = 0; i < LAZY_MAX; i++) {
                if (lazy[i] == 0 || lazy[i] == about.ino) {
                    lazy[i] = about.ino;
                    break;
                }
            }
        } else {
            record('S', about.ino, 0, 0, NULL, 0, NULL, 0);
        }
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int fsync(int fd) { return sync_file(fd, SYS_fsync); }
int fdatasync(int fd) { return sync_file(fd, SYS_fdatasync); }

int close(int fd) {
    if (fd >= 0 && fd < FDS) fds[fd].what = UNKNOWN;
    return (int)syscall(SYS_close, fd);
}

static void forget(int fd) {
    if (fd >= 0 && fd < FDS) fds[fd].what = UNKNOWN;
}

static int open_below(const char *path, int flags, mode_t mode) {
    pthread_mutex_lock(&lock);
    struct stat about;
    int is_there = stat(path, &about) == 0, fd = -1;
    int makes = (flags & O_CREAT) && !is_there, empties = (flags & O_TRUNC) && is_there && about.st_size > 0;
    int turn = makes ? count(fail_names, 'c') : 0;
    if (turn < 0) die();
    if (turn == 0 && makes && is_full()) {
        errno = ENOSPC;
        turn = 1;
    }
    if (turn == 0) {
        if (empties) {
            int reader = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
            size_t old_len;
            char *old = read_old(reader, 0, (uint64_t)about.st_size, SIZE_MAX, &old_len);
            keep(path, about.st_ino);
            record('T', about.st_ino, 0, (uint64_t)about.st_size, old, old_len, NULL, 0);
            free(old);
            syscall(SYS_close, reader);
        }
        fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
        forget(fd);
        if (fd >= 0 && makes && fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && !ends_with(path, "-shm")) {
            keep(path, about.st_ino);
            record('C', about.st_ino, 0, 0, path, strlen(path), NULL, 0);
        }
    }
    pthread_mutex_unlock(&lock);
    return fd;
}

static int open_any(const char *path, int flags, mode_t mode) {
    if (is_below(path) && (flags & (O_CREAT | O_TRUNC))) return open_below(path, flags, mode);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    forget(fd);
    return fd;
}

#define OPEN(name)                                            \
    int name(const char *path, int flags, ...) {              \
        va_list more;                                         \
        va_start(more, flags);                                \
        mode_t mode = (mode_t)va_arg(more, int);              \
        va_end(more);                                         \
        return open_any(path, flags, mode);                   \
    }
OPEN(open)
OPEN(open64)

int unlink(const char *path) {
    struct stat about;
    if (!is_below(path) || lstat(path, &about) != 0 || !S_ISREG(about.st_mode) || ends_with(path, "-shm"))
        return (int)syscall(SYS_unlink, path);
    pthread_mutex_lock(&lock);
    int result = -1, turn = count(fail_names, 'u');
    if (turn < 0) die();
    if (turn == 0) {
        keep(path, about.st_ino);
        record('U', about.st_ino, 0, 0, path, strlen(path), NULL, 0);
        result = (int)syscall(SYS_unlink, path);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int rename(const char *from, const char *to) {
    struct stat source, target;
    if (!is_below(to) || lstat(from, &source) != 0 || !S_ISREG(source.st_mode))
        return (int)syscall(SYS_rename, from, to);
    pthread_mutex_lock(&lock);
    int result = -1, turn = count(fail_names, 'r');
    if (turn < 0) die();
    if (turn == 0) {
        uint64_t replaced = 0;
        keep(from, source.st_ino);
        if (lstat(to, &target) == 0) {
            replaced = target.st_ino;
            keep(to, target.st_ino);
        }
        record('R', source.st_ino, replaced, 0, from, strlen(from), to, strlen(to));
        result = (int)syscall(SYS_rename, from, to);
    }
    pthread_mutex_unlock(&lock);
    return result;
}
