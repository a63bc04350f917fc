// Stands in for malloc and its kin and for operator new, in the program and so in every library
// that it loads, and counts calls by caller and thread (allocation_sites.h).
//
// Thread: any.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>

#include "bench/allocations/allocation_sites.h"

extern "C" {
void* __libc_malloc(size_t bytes);
void* __libc_calloc(size_t count, size_t bytes);
void* __libc_realloc(void* memory, size_t bytes);
void* __libc_memalign(size_t alignment, size_t bytes);
}

namespace {

using tollgate::bench::AllocationSite;
using tollgate::bench::AllocationSites;
using tollgate::bench::kBusy;
using tollgate::bench::kSites;

// Until the file is there, and if none is named.
AllocationSites before_file;
std::atomic<AllocationSites*> sites{&before_file};

using ThreadName = std::array<char, 16>;
constinit thread_local ThreadName thread_name{};
constinit thread_local bool thread_is_named = false;

// A thread has its creator's name at first, so only the names that stay are kept.
const ThreadName& NameOfThread() {
  if (thread_is_named) return thread_name;
  ::prctl(PR_GET_NAME, thread_name.data());
  const std::string_view name(thread_name.data());
  thread_is_named = name.starts_with("acceptor-") || name.starts_with("worker-") ||
                    name == "health" || name == "log";
  return thread_name;
}

void Describe(AllocationSite& site, const void* caller, const ThreadName& thread) {
  Dl_info info{};
  site.thread = thread;
  if (::dladdr(caller, &info) == 0 || info.dli_fname == nullptr) return;
  const char* const slash = std::strrchr(info.dli_fname, '/');
  const char* const name = slash == nullptr ? info.dli_fname : slash + 1;
  std::strncpy(site.library.data(), name, site.library.size() - 1);
  site.offset = reinterpret_cast<uint64_t>(caller) - reinterpret_cast<uint64_t>(info.dli_fbase);
}

void Count(const void* caller) {
  const auto address = reinterpret_cast<uint64_t>(caller);
  const ThreadName& thread = NameOfThread();
  AllocationSites& all = *sites.load(std::memory_order_acquire);  // partner: OpenFile
  for (size_t probe = 0; probe < kSites; ++probe) {
    AllocationSite& site = all[(address * 0x9E3779B97F4A7C15U + probe) % kSites];
    uint64_t found = site.address.load(std::memory_order_acquire);  // partner: the store below
    if (found == 0 && site.address.compare_exchange_strong(found, kBusy)) {
      Describe(site, caller, thread);
      site.count.fetch_add(1, std::memory_order_relaxed);
      site.address.store(address, std::memory_order_release);
      return;
    }
    if (found != address || site.thread != thread) continue;
    site.count.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  std::abort();  // more callers than sites: the counts would lie
}

[[gnu::constructor]] void OpenFile() {
  const char* const path = std::getenv(tollgate::bench::kSitesVariable);
  if (path == nullptr) return;
  const int fd = ::open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  void* memory = MAP_FAILED;
  if (fd >= 0 && ::ftruncate(fd, sizeof(AllocationSites)) == 0) {
    memory = ::mmap(nullptr, sizeof(AllocationSites), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  }
  if (memory == MAP_FAILED) {
    std::perror(path);
    std::_Exit(2);
  }
  ::close(fd);
  sites.store(new (memory) AllocationSites, std::memory_order_release);  // partner: Count
}

void* OrThrow(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

extern "C" {

void* malloc(size_t bytes) {
  Count(__builtin_return_address(0));
  return __libc_malloc(bytes);
}
void* calloc(size_t count, size_t bytes) {
  Count(__builtin_return_address(0));
  return __libc_calloc(count, bytes);
}
void* realloc(void* memory, size_t bytes) {
  Count(__builtin_return_address(0));
  return __libc_realloc(memory, bytes);
}
void* memalign(size_t alignment, size_t bytes) {
  Count(__builtin_return_address(0));
  return __libc_memalign(alignment, bytes);
}
void* aligned_alloc(size_t alignment, size_t bytes) {
  Count(__builtin_return_address(0));
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void** memory, size_t alignment, size_t bytes) {
  Count(__builtin_return_address(0));
  *memory = __libc_memalign(alignment, bytes);
  return *memory == nullptr ? ENOMEM : 0;
}
// The C library's own would count as the C library's, whoever called it.
char* strdup(const char* text) {
  Count(__builtin_return_address(0));
  const size_t bytes = std::strlen(text) + 1;
  void* const copy = __libc_malloc(bytes);
  return copy == nullptr ? nullptr : static_cast<char*>(std::memcpy(copy, text, bytes));
}

}  // extern "C"

void* operator new(size_t bytes) {
  Count(__builtin_return_address(0));
  return OrThrow(__libc_malloc(bytes));
}
void* operator new[](size_t bytes) {
  Count(__builtin_return_address(0));
  return OrThrow(__libc_malloc(bytes));
}
void* operator new(size_t bytes, std::align_val_t alignment) {
  Count(__builtin_return_address(0));
  return OrThrow(__libc_memalign(static_cast<size_t>(alignment), bytes));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }
