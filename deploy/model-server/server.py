"""KServe's own Python server with the models of one folder: NAME.joblib is served as NAME on the V1 and V2 protocols.

usage: server.py --models FOLDER [--host ADDRESS] [--http_port PORT] …and every flag of KServe's own server
"""

import argparse
from pathlib import Path

import grpc
import joblib
import numpy as np
import uvicorn
from kserve import InferOutput, InferRequest, InferResponse, Model, ModelRepository, ModelServer, model_server
from kserve.errors import InvalidInput
from kserve.protocol.rest.timeseries import ForecastOutput, ForecastResponse, Status, TimeSeriesForecast


class SklearnModel(Model):
    """A scaled linear classifier; `explain` gives what each feature added to the score of the class it chose."""

    def __init__(self, name, file):
        super().__init__(name)
        self.file = file
        self.pipeline = None
        self.load()

    def load(self):
        self.pipeline = joblib.load(self.file)
        self.ready = True
        return self.ready

    def get_input_types(self):
        return [{"name": "input-0", "datatype": "FP64", "shape": [-1, self.pipeline.n_features_in_]}]

    def get_output_types(self):
        return [{"name": "output-0", "datatype": "INT64", "shape": [-1]}]

    def rows(self, payload):
        """The request's rows as a matrix; InvalidInput (400) where they are anything else."""
        try:
            if isinstance(payload, InferRequest):
                values = payload.inputs[0].as_numpy()
            else:
                values = payload["instances"] if "instances" in payload else payload["inputs"]
            rows = np.asarray(values, dtype=np.float64)
        except (IndexError, TypeError, ValueError) as error:
            raise InvalidInput(f"rows of numbers expected: {error}") from error
        wanted = self.pipeline.n_features_in_
        if rows.ndim != 2 or rows.shape[0] == 0 or rows.shape[1] != wanted or not np.isfinite(rows).all():
            raise InvalidInput(f"expected rows of {wanted} finite numbers, got shape {list(rows.shape)}")
        return rows

    def predict(self, payload, headers=None):
        classes = self.pipeline.predict(self.rows(payload)).astype(np.int64)
        if not isinstance(payload, InferRequest):
            return {"predictions": classes.tolist()}
        output = InferOutput(name="output-0", shape=list(classes.shape), datatype="INT64")
        output.set_data_from_numpy(classes, binary_data=bool(payload.use_binary_outputs))
        return InferResponse(
            response_id=payload.id,
            model_name=self.name,
            infer_outputs=[output],
            use_binary_outputs=payload.use_binary_outputs,
            requested_outputs=payload.request_outputs,
        )

    def explain(self, payload, headers=None):
        rows = self.rows(payload)
        scaler, classifier = self.pipeline[0], self.pipeline[-1]
        chosen = self.pipeline.predict(rows)
        weights = classifier.coef_[np.searchsorted(classifier.classes_, chosen)]
        contributions = scaler.transform(rows) * weights
        return {
            "explanations": [
                {"class": int(label), "contributions": values}
                for label, values in zip(chosen, contributions.tolist(), strict=True)
            ]
        }


class HuggingFaceTimeSeriesModel(Model):
    """Says that everything stays as it is. KServe asks nothing for forecasts but models whose class has this name."""

    def __init__(self, name):
        super().__init__(name)
        self.ready = True

    async def forecast(self, request, context=None):
        content = [
            TimeSeriesForecast(
                type=series.type,
                name=series.name,
                mean_forecast=series.series[-1:] * request.options.horizon,
                frequency=series.frequency,
                start_timestamp=series.start_timestamp or "",
            )
            for series in request.inputs
        ]
        completed = {"id": "forecast", "status": Status.COMPLETED}
        output = ForecastOutput(type="time_series_forecast", content=content, **completed)
        return ForecastResponse(created_at=0, model=self.name, outputs=[output], **completed)


class ReloadableRepository(ModelRepository):
    """The stock repository forgets a model it unloaded, so that a load after an unload fails."""

    def __init__(self, models):
        super().__init__()
        self.files = {model.name: model.file for model in models}

    def load(self, name):
        if name not in self.files:
            return False
        self.update(SklearnModel(name, self.files[name]))
        return True


def bind_to(host):
    """KServe listens on every interface and has no flag for it; its two servers are told so in one place each."""
    original = uvicorn.Config.__init__

    def init(self, *args, **options):
        original(self, *args, **{**options, "host": host})

    uvicorn.Config.__init__ = init
    add_port = grpc.aio.Server.add_insecure_port
    grpc.aio.Server.add_insecure_port = lambda server, address: add_port(server, address.replace("[::]", host, 1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, parents=[model_server.parser])
    parser.add_argument("--models", required=True, type=Path)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--forecaster", help="name of a model for KServe's forecasts")
    arguments = parser.parse_args()
    models = [SklearnModel(file.stem, file) for file in sorted(arguments.models.glob("*.joblib"))]
    forecasters = [HuggingFaceTimeSeriesModel(arguments.forecaster)] if arguments.forecaster else []
    bind_to(arguments.host)
    ModelServer(registered_models=ReloadableRepository(models)).start(models + forecasters)


if __name__ == "__main__":
    main()
