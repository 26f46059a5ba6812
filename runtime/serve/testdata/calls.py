# A client of gRPC by Python's library and a stub that was generated beside this file: what it is answered, as JSON lines.
import json
import struct
import sys

import grpc
import open_inference_pb2 as pb
import open_inference_pb2_grpc as stubs

address, token, authority = sys.argv[1:4]
metadata = [("authorization", "Bearer " + token)]
with open(authority, "rb") as f:
    credentials = grpc.ssl_channel_credentials(f.read())
stub = stubs.GRPCInferenceServiceStub(grpc.secure_channel(address, credentials))
print(json.dumps({"live": stub.ServerLive(pb.ServerLiveRequest()).live, "ready": stub.ServerReady(pb.ServerReadyRequest()).ready}))
about = stub.ModelMetadata(pb.ModelMetadataRequest(name="scorer"), metadata=metadata)
print(json.dumps({"inputs": {t.name: t.datatype for t in about.inputs}}))


def tensor(name, datatype, **contents):
    return pb.ModelInferRequest.InferInputTensor(name=name, datatype=datatype, shape=[2], contents=pb.InferTensorContents(**contents))


typed = [
    tensor("amount", "FP64", fp64_contents=[62.5, float("nan")]),
    tensor("items", "INT32", int_contents=[-7, 3]),
    tensor("merchant", "BYTES", bytes_contents=["M9".encode(), "é".encode()]),
    tensor("known", "BOOL", bool_contents=[True, False]),
    tensor("paid_at", "BYTES", bytes_contents=[b"2024-05-01", b"2024-05-01"]),
]
for compression in grpc.Compression.NoCompression, grpc.Compression.Gzip:
    answer = stub.ModelInfer(pb.ModelInferRequest(model_name="scorer", id="p", inputs=typed), metadata=metadata, compression=compression)
    outputs = {o.name: [v.decode() for v in o.contents.bytes_contents] or list(o.contents.fp64_contents) for o in answer.outputs}
    print(json.dumps({"id": answer.id, "outputs": outputs, "parameters": {k: v.int64_param for k, v in sorted(answer.parameters.items())}}))


def raw(t):
    c = t.contents
    if t.datatype == "FP64":
        return struct.pack("<2d", *c.fp64_contents)
    if t.datatype == "INT32":
        return struct.pack("<2i", *c.int_contents)
    if t.datatype == "BOOL":
        return struct.pack("2?", *c.bool_contents)
    return b"".join(struct.pack("<I", len(v)) + v for v in c.bytes_contents)


request = pb.ModelInferRequest(model_name="scorer", raw_input_contents=[raw(t) for t in typed])
for t in typed:
    request.inputs.add(name=t.name, datatype=t.datatype, shape=t.shape)
answer = stub.ModelInfer(request, metadata=metadata)
score = [o.name for o in answer.outputs].index("score")
print(json.dumps({"raw": struct.unpack("<2d", answer.raw_output_contents[score])}))
for request, bears in (pb.ModelInferRequest(model_name="scorr"), metadata), (pb.ModelInferRequest(model_name="scorer", inputs=typed[1:]), metadata), (request, []):
    try:
        stub.ModelInfer(request, metadata=bears)
    except grpc.RpcError as e:
        print(json.dumps({"code": e.code().name, "details": e.details()}))
