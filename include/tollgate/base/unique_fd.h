// UniqueFd: the one owner of a file descriptor. It closes the descriptor on destruction.
//
// Thread: a value type.
#pragma once

#include <utility>

namespace tollgate::base {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  // Closes the present descriptor. close() is not repeated on EINTR, because Linux has closed it by
  // then.
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

}  // namespace tollgate::base
