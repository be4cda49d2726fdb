import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { AwsError } from "../../api/http";
import { read } from "../../api/read";
import { sentence } from "../../common/fieldErrors";
import { textColumn } from "../../common/columns";
import { ConfirmDelete } from "../../common/ConfirmDelete";
import { ResourceTable } from "../../common/ResourceTable";
import { useSelected } from "../../common/useSelected";
import { useScope } from "../../session/scope";

interface Change {
  how: "add" | "remove";
  location: string;
}

/** Companies' own catalogues, for the operator: a partner's appliance that is not built in comes by one. */
export function Catalogues({ locations }: { locations: readonly string[] }) {
  const { t } = useTranslation(["marketplace", "common"]);
  const [location, setLocation] = useState("");
  const [removing, setRemoving] = useState(false);
  const { selected, onSelect, only } = useSelected(locations, (one) => one);
  const change = useChangeCatalogue();
  const add = useChangeCatalogue();
  return (
    <SpaceBetween size="m">
      <ResourceTable<string>
        title={t("catalogues.title")}
        description={t("catalogues.explained")}
        variant="container"
        testId="catalogues"
        items={locations}
        loading={false}
        id={(one) => one}
        selected={selected}
        onSelect={onSelect}
        columns={[textColumn("location", t("catalogues.location"), (one) => one)]}
        empty={{ title: t("catalogues.empty") }}
        actions={
          <Button
            data-testid="remove-catalogue"
            disabled={!only}
            onClick={() => {
              setRemoving(true);
            }}
          >
            {t("catalogues.remove")}
          </Button>
        }
      />
      <form
        data-testid="catalogue-form"
        onSubmit={(event) => {
          event.preventDefault();
          add.mutate(
            { how: "add", location },
            {
              onSuccess: () => {
                setLocation("");
              },
            },
          );
        }}
      >
        <FormField
          label={t("catalogues.add")}
          description={t("catalogues.addHint")}
          errorText={add.error ? sentence(add.error) : undefined}
          stretch
          secondaryControl={
            <Button data-testid="submit" loading={add.isPending} disabled={location === ""}>
              {t("catalogues.add")}
            </Button>
          }
        >
          <Input
            value={location}
            data-testid="location"
            placeholder="https://…/catalogue.toml"
            ariaLabel={t("catalogues.location")}
            onChange={({ detail }) => {
              setLocation(detail.value);
            }}
          />
        </FormField>
      </form>
      {removing && only && (
        <ConfirmDelete
          title={t("catalogues.remove")}
          names={[only]}
          onConfirm={() => change.mutateAsync({ how: "remove", location: only })}
          onClose={() => {
            setRemoving(false);
          }}
        />
      )}
    </SpaceBetween>
  );
}

function useChangeCatalogue() {
  const scope = useScope();
  const client = useQueryClient();
  return useMutation<unknown, AwsError, Change>({
    mutationFn: ({ how, location }) => read(scope, `marketplace/catalogues/${how}`, { location }),
    onSuccess: () => client.invalidateQueries(),
  });
}
