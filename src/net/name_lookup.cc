#include "tollgate/net/name_lookup.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "tollgate/base/assert.h"

namespace tollgate::net {

// What the thread and the object share. The thread posts under the mutex and only while `owner` is
// set, so neither the object nor its loop is destroyed meanwhile.
struct NameLookup::Shared {
  std::mutex mutex;
  NameLookup* owner = nullptr;  // guarded by mutex
};

namespace {

struct Found {
  std::vector<std::string> addresses;
  std::string problem;
};

Found Resolve(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (error != 0) return {.addresses = {}, .problem = ::gai_strerror(error)};
  Found found;
  for (const addrinfo* it = list; it != nullptr; it = it->ai_next) {
    char text[INET6_ADDRSTRLEN] = {};
    const int result =
        ::getnameinfo(it->ai_addr, it->ai_addrlen, text, sizeof(text), nullptr, 0, NI_NUMERICHOST);
    if (result == 0) found.addresses.emplace_back(text);
  }
  ::freeaddrinfo(list);
  if (found.addresses.empty()) found.problem = "the name has no address";
  return found;
}

}  // namespace

NameLookup::NameLookup(EventLoop& loop) : loop_(loop), shared_(std::make_shared<Shared>()) {
  shared_->owner = this;
}

NameLookup::~NameLookup() {
  const std::lock_guard lock(shared_->mutex);
  shared_->owner = nullptr;
}

void NameLookup::Start(const std::string& host, OnFound done) {
  TG_ASSERT(!busy_);
  busy_ = true;
  done_ = std::move(done);
  const auto report = [](const std::shared_ptr<Shared>& shared, Found found) {
    const std::lock_guard lock(shared->mutex);
    if (shared->owner == nullptr) return;
    shared->owner->loop_.Post([shared, found = std::move(found)] {
      // The destructor runs on the loop's thread too, so reading `owner` needs no lock.
      if (shared->owner != nullptr) shared->owner->Deliver(found.addresses, found.problem);
    });
  };
  try {
    std::thread([report, host, shared = shared_] {
      ::pthread_setname_np(::pthread_self(), "lookup");
      report(shared, Resolve(host));
    }).detach();
  } catch (const std::system_error& error) {
    report(shared_, {.addresses = {}, .problem = error.what()});
  }
}

void NameLookup::Deliver(const std::vector<std::string>& addresses, const std::string& problem) {
  busy_ = false;
  const OnFound done = std::exchange(done_, nullptr);
  done(addresses, problem);
}

bool NameLookup::IsNumeric(const std::string& host) {
  in6_addr address{};
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

}  // namespace tollgate::net
