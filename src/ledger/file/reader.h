// Reader: a connection to a file of books that only reads.
//
// Thread: one.
// Owns: the connection.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

#include "ledger/file/book_file.h"

namespace tollgate::ledger::file {

class Reader {
 public:
  explicit Reader(std::string path) : path_(std::move(path)) {}

  // Calls `read` inside one transaction, so all that it reads is of one moment. Null: the file
  // cannot be read now. If the transaction fails, `read` has seen too little; it checks failed().
  void Ask(const std::function<void(BookFile* file)>& read);

 private:
  bool Open();
  void Close();

  const std::string path_;
  Database database_;
  BookFile file_{database_};
  ino_t inode_ = 0;
};

}  // namespace tollgate::ledger::file
