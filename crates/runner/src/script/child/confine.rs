//! Locks the process in: resource limits first, then a filter of system calls.
//!
//! The interpreter has no way to a file, a socket or a process as it is; this is for the day when someone finds a
//! hole in it. Where a wall is not available (another system, an old kernel) the script runs behind the others.

#[cfg(unix)]
use super::super::limits::BESIDE_BYTES;

/// Limits memory and files. Called before the thread for scripts starts.
#[cfg(unix)]
pub(super) fn limit(memory_bytes: usize) {
    use rustix::process::{Resource, Rlimit, setrlimit};

    let memory = u64::try_from(memory_bytes).unwrap_or(u64::MAX).saturating_add(BESIDE_BYTES);
    for (resource, most) in
        [(Resource::Data, memory), (Resource::Core, 0), (Resource::Fsize, 0), (Resource::Nofile, 3)]
    {
        // A system that knows no such limit has the other walls.
        let _ = setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) });
    }
}

/// Elsewhere the parent's kill is the limit.
#[cfg(not(unix))]
pub(super) fn limit(_memory_bytes: usize) {}

/// Leaves to all threads the calls that reading, writing, waiting and memory need. Called when all have started.
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")
))]
pub(super) fn seal() {
    use rustix::process::{Resource, Rlimit, setrlimit};

    let _ = setrlimit(Resource::Nproc, Rlimit { current: Some(0), maximum: Some(0) });
    if let Some(filter) = filter::program() {
        // A kernel without filters: the interpreter has no way out all the same.
        drop(seccompiler::apply_filter_all_threads(&filter));
    }
}

/// Elsewhere there is no such filter without a privileged helper.
#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")
)))]
pub(super) fn seal() {}

#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")
))]
mod filter {
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule,
    };

    /// Needed for nothing but memory, time, threads and the end.
    const PLAIN: [i64; 27] = [
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_madvise,
        libc::SYS_brk,
        libc::SYS_futex,
        libc::SYS_sched_yield,
        libc::SYS_clock_gettime,
        libc::SYS_clock_nanosleep,
        libc::SYS_nanosleep,
        libc::SYS_gettimeofday,
        libc::SYS_getrandom,
        libc::SYS_exit,
        libc::SYS_exit_group,
        libc::SYS_rt_sigreturn,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigaction,
        libc::SYS_sigaltstack,
        libc::SYS_restart_syscall,
        libc::SYS_set_robust_list,
        libc::SYS_rseq,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_tgkill,
        libc::SYS_membarrier,
        libc::SYS_sched_getaffinity,
        libc::SYS_getrusage,
        libc::SYS_clock_getres,
    ];
    const EXECUTABLE: u64 = libc::PROT_EXEC.unsigned_abs() as u64;

    /// The filter: what it does not name fails with `EPERM`.
    pub(super) fn program() -> Option<BpfProgram> {
        let mut rules = PLAIN.map(|call| (call, Vec::new())).to_vec();
        // Only the pipes, whatever else was inherited.
        rules.push((libc::SYS_read, vec![rule(0, SeccompCmpOp::Eq, 0)?]));
        rules.push((libc::SYS_write, vec![rule(0, SeccompCmpOp::Eq, 1)?, rule(0, SeccompCmpOp::Eq, 2)?]));
        // Memory that can be run is never needed: QuickJS interprets.
        let plain = SeccompCmpOp::MaskedEq(EXECUTABLE);
        rules.push((libc::SYS_mprotect, vec![rule(2, plain.clone(), 0)?]));
        rules.push((libc::SYS_mmap, vec![rule(2, plain, 0)?]));
        let filter = SeccompFilter::new(
            rules.into_iter().collect(),
            SeccompAction::Errno(libc::EPERM.unsigned_abs()),
            SeccompAction::Allow,
            std::env::consts::ARCH.try_into().ok()?,
        );
        filter.ok()?.try_into().ok()
    }

    fn rule(argument: u8, compared: SeccompCmpOp, value: u64) -> Option<SeccompRule> {
        let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, compared, value).ok()?;
        SeccompRule::new(vec![condition]).ok()
    }
}
