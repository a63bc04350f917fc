// RequestWriter: the bytes of a processor's requests (RFC 9112). The constant parts are rendered
// once.
//
// Thread: the loop's.
// Owns: its buffers; allocates only at construction.
#pragma once

#include <string>
#include <string_view>

#include "tollgate/payments/payment.h"
#include "tollgate/payments/uuid.h"
#include "tollgate/upstream/processor_options.h"

namespace tollgate::upstream {

class RequestWriter {
 public:
  explicit RequestWriter(const ProcessorOptions& options);

  // Valid until the next call of the same function.
  std::string_view Post(const payments::Payment& payment, int64_t requested_at_ms);
  std::string_view Lookup(const payments::Uuid& id);

 private:
  std::string post_;    // head up to the digits of the length; the rest is written behind it
  std::string lookup_;  // head with room for the id
  size_t post_fixed_ = 0;
  size_t lookup_id_at_ = 0;
};

}  // namespace tollgate::upstream
