import Button from "@cloudscape-design/components/button";
import Alert from "@cloudscape-design/components/alert";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Form from "@cloudscape-design/components/form";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { CommandText } from "../../common/CommandText";
import { ErrorAlert } from "../../common/ErrorAlert";
import { fieldErrors } from "../../common/fieldErrors";
import { ImageProgressBar } from "../../common/ImageProgressBar";
import { useNotify } from "../../common/notify";
import { useFollowImage } from "../../common/useFollowImage";
import { useScope } from "../../session/scope";
import { useSession } from "../../session/session";
import { ImportAbout, ImportSource } from "./ImportFields";
import { EMPTY, importCommand, type ImportField, importQuestion, mistakes } from "./importing";

const RULES = {
  name: /InvalidAMIName/,
  source: /ImportFailed|InvalidParameterValue/,
};

/** `gwlb image import` as a form: the server reads the source, so only the operator may. */
export default function ImportPage() {
  const { t } = useTranslation(["images", "common"]);
  const scope = useScope();
  const { current, state } = useSession();
  const navigate = useNavigate();
  const notify = useNotify();
  const [form, setForm] = useState(EMPTY);
  const [tried, setTried] = useState(false);
  const { start, stop, busy, progress, problem } = useFollowImage("images", (image) => {
    notify.success(t("import.done", { name: image.name, id: image.id }));
    void navigate(`/images/${image.id}`);
  });
  const wrong = mistakes(form);
  const refused = fieldErrors(problem, RULES);
  const errorAt = (field: ImportField) => {
    if (tried && wrong.includes(field)) return t(`import.wrong.${field}`);
    return field === "source" || field === "name" ? refused.at(field) : undefined;
  };
  const submit = () => {
    setTried(true);
    if (!busy && wrong.length === 0) start(importQuestion(form, scope));
  };
  const fields = {
    form,
    errorAt,
    disabled: busy || !current.operator,
    onChange: (part: Partial<typeof form>) => {
      setForm((before) => ({ ...before, ...part }));
    },
  };
  return (
    <ContentLayout
      header={
        <Header variant="h1" description={t("import.explained")}>
          {t("import.title")}
        </Header>
      }
    >
      <form
        data-testid="import-form"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <Form
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button
                variant="link"
                formAction="none"
                data-testid="cancel"
                onClick={() => {
                  if (busy) stop();
                  else void navigate("/images");
                }}
              >
                {busy ? t("import.stop") : t("common:cancel")}
              </Button>
              <Button variant="primary" data-testid="submit" loading={busy} disabled={!current.operator}>
                {t("import.title")}
              </Button>
            </SpaceBetween>
          }
        >
          <SpaceBetween size="l">
            {!current.operator && <Alert type="info">{t("import.operatorOnly")}</Alert>}
            {state.data_plane === "none" && <Alert type="warning">{t("import.noDataPlane")}</Alert>}
            <ImportSource {...fields} />
            <ImportAbout {...fields} />
            <CommandText text={importCommand(form, scope)} />
            {busy && <ImageProgressBar progress={progress} />}
            {refused.rest && <ErrorAlert error={refused.rest} />}
          </SpaceBetween>
        </Form>
      </form>
    </ContentLayout>
  );
}
