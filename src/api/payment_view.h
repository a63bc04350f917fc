// PaymentView: the JSON of GET /payments/{id}, from the books or from the table.
//
// Thread: pure functions.
#pragma once

#include <string>

#include "tollgate/ledger/books.h"
#include "tollgate/payments/processor_directory.h"
#include "tollgate/table/payment_table.h"

namespace tollgate::api {

// {"correlationId":"…","state":"booked","amount":19.90,"processor":"default","requestedAt":"…"}.
// States: accepted, claimed, sent, unresolved, booked, rejected. State pending: only the books know
// the payment, from another instance. Absent members are left out.
std::string EntryToJson(const payments::Uuid& id, const ledger::BookEntry& entry,
                        const payments::ProcessorDirectory& directory);
std::string SnapshotToJson(const table::PaymentTable::Snapshot& snapshot,
                           const payments::ProcessorDirectory& directory);

}  // namespace tollgate::api
