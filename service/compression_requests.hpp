#pragma once

#include "hwnas/v1/compression_service.pb.h"
#include "service/job_store.hpp"
#include "service/server_parts.hpp"
#include "service/upload_store.hpp"

namespace hwnas::service {

/// The name of a compression job. Throws InvalidField.
JobName parse_compression_job(const std::string& field, const std::string& name);

/// What CreateCompressionJob asks for, checked. Makes the job's id where the request gives none.
/// Throws InvalidField; NotFound for what is not the tenant's; FailedPrecondition for a search job
/// without a trained finalist, and for an upload that is not complete.
NewJob new_compression_job(const v1::CreateCompressionJobRequest& request, const ServerParts& parts,
                           const UploadStore& uploads);

/// What the job's record says; with what was asked for if the record has its specification.
v1::CompressionJob to_compression_message(const JobRecord& job);

}  // namespace hwnas::service
